/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Try register sets on this host's KVM, in an emulated host.  FILE is an
 * unsigned snapshot.
 *
 *   prove_arm64 prove FILE...   on scratch VMs, as mig_kvm_prove() does
 *   prove_arm64 late FILE       on a vCPU that ran before
 *   prove_arm64 capture FILE    show it, and tell what the vCPU then has as JSON
 *   prove_arm64 stuck           a guest that never comes to its end
 *
 *   FILE OUTCOME STAGE ERRNO ran=0|1 compared=N
 *   FILE mismatch STAGE PLACE ERRNO WANTED GOT
 */
#include <stdio.h>

#include "kvm/capture.h"
#include "kvm/prove.h"

#if defined(__aarch64__)

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/file.h"
#include "kvm/stub_arm64.h"
#include "kvm/vcpu_arm64.h"
#include "snapshot/json.h"

#define FILE_MAX_BYTES (1024u * 1024)
#define DEVICE "/dev/kvm"
#define STUCK_MS 1000
#define SCTLR_EL1 ARM64_SYS_REG(3, 0, 1, 0, 0)

static struct mig_snapshot *load(const char *path)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes text = {0};
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    if (!mig_file_read(path, FILE_MAX_BYTES, &text, &err) ||
        !mig_snapshot_from_json((const char *)text.items, text.len, &s, &err)) {
        (void)fprintf(stderr, "%s: %s\n", path, err.msg);
    }
    return s;
}

static const char *error_name(int errnum)
{
    const char *name = errnum != 0 ? strerrorname_np(errnum) : "0";

    return name != NULL ? name : "?";
}

static void print(const char *path, const struct mig_proven *p)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;

    printf("%s %s %s %s ran=%d compared=%u\n", name, mig_outcome_name(p->outcome),
           mig_stage_name(p->stage), error_name(p->errnum), p->ran, p->compared);
    for (size_t i = 0; i < p->len; i++) {
        const struct mig_mismatch *m = &p->items[i];
        char place[MIG_REG_TEXT_MAX];

        mig_reg_print(mig_reg_from_key(m->key), place);
        printf("%s mismatch %s %s %s 0x%" PRIx64 " ", name, mig_stage_name(m->stage), place,
               error_name(m->errnum), m->wanted);
        if (m->has_got) {
            printf("0x%" PRIx64 "\n", m->got);
        } else {
            printf("-\n");
        }
    }
}

static int prove(const char *path)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = load(path);
    struct mig_proven p;

    if (s == NULL) {
        return 1;
    }
    mig_kvm_prove(DEVICE, s, &p);
    print(path, &p);
    mig_proven_clear(&p);
    return 0;
}

static int fail(const char *what)
{
    perror(what);
    return 1;
}

/* A vCPU that counts as one that ran, although no guest did anything. */
static bool run_once(int kvm, int vcpu)
{
    int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    struct kvm_run *run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);

    if (run == MAP_FAILED) {
        return false;
    }
    run->immediate_exit = 1;
    return ioctl(vcpu, KVM_RUN, 0) != 0 && errno == EINTR;
}

static int print_capture(int kvm, int vm, int vcpu)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_ARM64);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *captured = NULL;
    MIG_AUTO(mig_free) char *text = NULL;
    struct mig_error err;

    if (!mig_kvm_capture_vcpu(kvm, vm, vcpu, b, &err) || !mig_builder_freeze(b, &captured, &err)) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    text = mig_snapshot_to_json(captured);
    printf("%s", text);
    return 0;
}

static int show(const char *path, bool late)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = load(path);
    struct mig_kvm_show as = {.shown = s}, as_is = {.shown = s, .without_vcpu = true};
    struct mig_proven p = {0};
    struct mig_error err;
    int kvm = open(DEVICE, O_RDWR | O_CLOEXEC), vm, vcpu, status = 0;

    if (s == NULL) {
        return 1;
    }
    vm = ioctl(kvm, KVM_CREATE_VM, mig_kvm_vm_type(&as, kvm));
    if (!mig_kvm_apply_vm(&as, kvm, vm, &p, &err)) {
        return fail("VM");
    }
    vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
    if (late) {
        struct mig_kvm_show nothing = as;
        MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_ARM64);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *empty = NULL;

        if (!mig_builder_freeze(b, &empty, &err)) {
            return fail("builder");
        }
        nothing.shown = empty;
        if (!mig_kvm_apply_vcpu(&nothing, vm, vcpu, &p, &err) || !run_once(kvm, vcpu)) {
            return fail("KVM_RUN");
        }
    }
    if (!mig_kvm_apply_vcpu(late ? &as_is : &as, vm, vcpu, &p, &err) ||
        !mig_kvm_read_vcpu(&as, vm, vcpu, &p, &err)) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    mig_proven_settle(&p);
    if (late) {
        print(path, &p);
    } else {
        status = p.len == 0 ? print_capture(kvm, vm, vcpu) : 1;
    }
    mig_proven_clear(&p);
    return status;
}

/* The MMU is on and there are no page tables: every fetch faults, in the vector
 * of the fault as well. */
static int stuck(void)
{
    struct mig_stub stub = {.len = 0};
    struct kvm_vcpu_init init = {0};
    uint64_t sctlr = 0;
    int kvm = open(DEVICE, O_RDWR | O_CLOEXEC), vm = ioctl(kvm, KVM_CREATE_VM, 0);
    int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);

    if (ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init) != 0 ||
        ioctl(vcpu, KVM_ARM_VCPU_INIT, &init) != 0 ||
        mig_vcpu_arm64_get(vcpu, SCTLR_EL1, &sctlr) != 0) {
        return fail("vCPU");
    }
    sctlr |= 1;
    if (mig_vcpu_arm64_set(vcpu, SCTLR_EL1, &sctlr) != 0) {
        return fail("SCTLR_EL1");
    }
    printf("stuck %s\n", error_name(mig_stub_run(&stub, kvm, vm, vcpu, STUCK_MS)));
    return 0;
}

int main(int argc, char **argv)
{
    int status = 0;

    if (argc >= 3 && strcmp(argv[1], "prove") == 0) {
        for (int i = 2; i < argc; i++) {
            status |= prove(argv[i]);
        }
        return status;
    }
    if (argc == 3 && (strcmp(argv[1], "late") == 0 || strcmp(argv[1], "capture") == 0)) {
        return show(argv[2], strcmp(argv[1], "late") == 0);
    }
    if (argc == 2 && strcmp(argv[1], "stuck") == 0) {
        return stuck();
    }
    (void)fprintf(stderr, "usage: %s prove FILE... | late FILE | capture FILE | stuck\n", argv[0]);
    return 2;
}

#else

int main(void)
{
    (void)fprintf(stderr, "this program is for arm64\n");
    return 2;
}

#endif
