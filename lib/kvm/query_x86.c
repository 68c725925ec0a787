/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/query.h"

#if defined(__x86_64__)

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "base/alloc.h"

#define ENTRIES_FIRST 256
#define ENTRIES_LIMIT 4096

struct kvm_cpuid2 *mig_kvm_ask_cpuid(int fd, unsigned long request, int *ret_errno)
{
    for (uint32_t nent = ENTRIES_FIRST; nent <= ENTRIES_LIMIT; nent *= 2) {
        struct kvm_cpuid2 *t = mig_alloc(1, sizeof *t + nent * sizeof t->entries[0]);

        t->nent = nent;
        if (ioctl(fd, request, t) == 0 && t->nent <= nent) {
            return t;
        }
        *ret_errno = errno;
        mig_free(t);
        if (*ret_errno != E2BIG) {
            return NULL;
        }
    }
    return NULL;
}

struct kvm_msr_list *mig_kvm_ask_msr_list(int kvm, unsigned long request, int *ret_errno)
{
    for (uint32_t n = ENTRIES_FIRST; n <= ENTRIES_LIMIT; n *= 2) {
        struct kvm_msr_list *l = mig_alloc(1, sizeof *l + n * sizeof l->indices[0]);

        l->nmsrs = n;
        if (ioctl(kvm, request, l) == 0 && l->nmsrs <= n) {
            return l;
        }
        *ret_errno = errno;
        mig_free(l);
        if (*ret_errno != E2BIG) {
            return NULL;
        }
    }
    return NULL;
}

/* 0 or errno; @value goes in and comes out. */
static int one_msr(int fd, unsigned long request, uint32_t index, uint64_t *value)
{
    _Alignas(struct kvm_msrs) unsigned char
        room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)] = {0};
    struct kvm_msrs *m = (struct kvm_msrs *)(void *)room;
    int done;

    m->nmsrs = 1;
    m->entries[0].index = index;
    m->entries[0].data = *value;
    done = ioctl(fd, request, m);
    if (done != 1) {
        return done < 0 ? errno : EINVAL;
    }
    *value = m->entries[0].data;
    return 0;
}

int mig_kvm_get_msr(int fd, uint32_t index, uint64_t *ret)
{
    uint64_t value = 0;
    int errnum = one_msr(fd, KVM_GET_MSRS, index, &value);

    if (errnum == 0) {
        *ret = value;
    }
    return errnum;
}

int mig_kvm_set_msr(int vcpu, uint32_t index, uint64_t value)
{
    return one_msr(vcpu, KVM_SET_MSRS, index, &value);
}

bool mig_kvm_is_broken(int errnum)
{
    return errnum == EBADF || errnum == ENOTTY || errnum == EIO || errnum == ENODEV;
}

#endif
