/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel says when a VMM restores the feature registers of one vCPU in
 * another: the truth that predictions are measured by.  Runs in an emulated host.
 *
 *   arm64_restore dump base|all     registers of a new vCPU, one with all features
 *                                   or with none:  "features HEX", "vls HEX",
 *                                   "reg ID VALUE"
 *   arm64_restore restore FOLDER    write each such file of the folder into a vCPU
 *                                   with the same features, and run a guest in it
 *
 * Answers: 0 or the name of an errno; READS: what the register then reads as.
 *   FILE features HEX ANSWER
 *   FILE vls HEX ANSWER
 *   FILE set ID VALUE ANSWER READS
 *   FILE seen ID VALUE              by the guest, when every write was taken
 */
#include <errno.h>
#include <stdio.h>

#if defined(__aarch64__)

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "kvm/stub_arm64.h"
#include "kvm/vcpu_arm64.h"

#define FILE_MAX_BYTES 65536
#define GUEST_MS 10000

#define FEATURE(name) (1U << KVM_ARM_VCPU_##name)
#define PAUTH (FEATURE(PTRAUTH_ADDRESS) | FEATURE(PTRAUTH_GENERIC))

struct vcpu {
    int vm, fd;
    uint32_t features;
};

struct write {
    uint64_t id, value;
};

struct source {
    char *name;
    uint32_t features;
    uint64_t vls;
    struct write writes[256];
    size_t len;
};

static int kvm;

static const char *answer(int errnum)
{
    return errnum == 0 ? "0" : strerrorname_np(errnum);
}

static bool has_cap(int fd, int cap)
{
    return ioctl(fd, KVM_CHECK_EXTENSION, cap) > 0;
}

static uint32_t all_features(void)
{
    uint32_t features = FEATURE(PSCI_0_2);

    features |= has_cap(kvm, KVM_CAP_ARM_PMU_V3) ? FEATURE(PMU_V3) : 0;
    features |= has_cap(kvm, KVM_CAP_ARM_SVE) ? FEATURE(SVE) : 0;
    features |= has_cap(kvm, KVM_CAP_ARM_PTRAUTH_ADDRESS) ? PAUTH : 0;
    return features;
}

/* 0 or errno. */
static int open_vcpu(struct vcpu *v, uint32_t features)
{
    struct kvm_device_attr pmu = {.group = KVM_ARM_VCPU_PMU_V3_CTRL,
                                  .attr = KVM_ARM_VCPU_PMU_V3_INIT};
    struct kvm_vcpu_init init = {0};

    *v = (struct vcpu){.vm = ioctl(kvm, KVM_CREATE_VM, 0), .fd = -1, .features = features};
    v->fd = ioctl(v->vm, KVM_CREATE_VCPU, 0);
    (void)ioctl(v->vm, KVM_ARM_PREFERRED_TARGET, &init);
    init.features[0] = features;
    if (ioctl(v->fd, KVM_ARM_VCPU_INIT, &init) != 0) {
        return errno;
    }
    return (features & FEATURE(PMU_V3)) == 0 || ioctl(v->fd, KVM_SET_DEVICE_ATTR, &pmu) == 0
               ? 0
               : errno;
}

static void close_vcpu(struct vcpu *v)
{
    (void)close(v->fd);
    (void)close(v->vm);
}

static int finalize(const struct vcpu *v)
{
    int what = KVM_ARM_VCPU_SVE;

    return ioctl(v->fd, KVM_ARM_VCPU_FINALIZE, &what);
}

/* ---- dump ---- */

static int dump(uint32_t features)
{
    struct kvm_reg_list *list;
    uint64_t vls = 0;
    struct vcpu v;
    int errnum;

    errnum = open_vcpu(&v, features);
    if (errnum != 0) {
        (void)fprintf(stderr, "vCPU: %s\n", strerror(errnum));
        return 1;
    }
    printf("features 0x%x\n", features);
    if ((features & FEATURE(SVE)) != 0) {
        if (mig_vcpu_arm64_lengths(v.fd, &vls) != 0 || finalize(&v) != 0) {
            (void)fprintf(stderr, "vector lengths can not be had\n");
            return 1;
        }
        printf("vls 0x%" PRIx64 "\n", vls);
    }
    list = mig_vcpu_arm64_list(v.fd, &errnum);
    if (list == NULL) {
        (void)fprintf(stderr, "KVM_GET_REG_LIST: %s\n", strerror(errnum));
        return 1;
    }
    for (uint64_t i = 0; i < list->n; i++) {
        uint64_t id = list->reg[i], value = 0;

        if (mig_vcpu_arm64_tells(id) && mig_vcpu_arm64_get(v.fd, id, &value) == 0) {
            printf("reg 0x%" PRIx64 " 0x%" PRIx64 "\n", id, value);
        }
    }
    mig_free(list);
    close_vcpu(&v);
    return 0;
}

/* ---- the guest ---- */

static bool tell(const struct source *s, const struct mig_stub_look *look)
{
    if (!look->seen) {
        (void)fprintf(stderr, "guest: 0x%" PRIx64 " can not be read\n", look->id);
        return false;
    }
    printf("%s seen 0x%" PRIx64 " 0x%" PRIx64 "\n", s->name, look->id, look->value);
    return true;
}

/* It looks at each system register of @s. */
static bool run_guest(const struct vcpu *v, const struct source *s)
{
    struct mig_stub stub = {.len = 0};
    bool done = true;
    int errnum;

    for (size_t i = 0; i < s->len; i++) {
        if (!mig_vcpu_arm64_is_system(s->writes[i].id)) {
            continue;
        }
        if (stub.len == MIG_STUB_LOOKS_MAX) {
            (void)fprintf(stderr, "guest: more than %d registers\n", MIG_STUB_LOOKS_MAX);
            return false;
        }
        stub.items[stub.len++].id = s->writes[i].id;
    }
    errnum = mig_stub_run(&stub, kvm, v->vm, v->fd, GUEST_MS);
    if (errnum != 0) {
        (void)fprintf(stderr, "guest: %s\n", strerror(errnum));
        return false;
    }
    for (size_t i = 0; i < stub.len; i++) {
        done = tell(s, &stub.items[i]) && done;
    }
    return done;
}

/* ---- restore ---- */

static bool parse_line(struct source *s, char *line)
{
    const char *word = strsep(&line, " "), *first = strsep(&line, " ");
    uint64_t number;

    if (first == NULL || !mig_text_to_u64(first, UINT64_MAX, &number)) {
        return false;
    }
    if (strcmp(word, "features") == 0) {
        s->features = (uint32_t)number;
        return true;
    }
    if (strcmp(word, "vls") == 0) {
        s->vls = number;
        return true;
    }
    if (strcmp(word, "reg") != 0 || line == NULL ||
        s->len == sizeof s->writes / sizeof *s->writes) {
        return false;
    }
    s->writes[s->len].id = number;
    return mig_text_to_u64(line, UINT64_MAX, &s->writes[s->len++].value);
}

static bool read_source(const char *folder, const char *name, struct source *ret)
{
    char *path = mig_strf("%s/%s", folder, name), *rest, *line;
    struct mig_bytes file = {0};
    struct mig_error err;

    memset(ret, 0, sizeof *ret);
    ret->name = mig_strdup(name);
    if (!mig_file_read(path, FILE_MAX_BYTES, &file, &err)) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return false;
    }
    rest = (char *)file.items;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (*line != '\0' && !parse_line(ret, line)) {
            (void)fprintf(stderr, "%s: '%s' is no register\n", path, line);
            return false;
        }
    }
    mig_bytes_clear(&file);
    mig_free(path);
    return true;
}

/* False if a write was refused or has no effect. */
static bool write_one(const struct vcpu *v, const struct source *s, const struct write *w)
{
    uint64_t reads = 0;
    const char *said = answer(mig_vcpu_arm64_set(v->fd, w->id, &w->value));
    bool has = mig_vcpu_arm64_get(v->fd, w->id, &reads) == 0;

    printf("%s set 0x%" PRIx64 " 0x%" PRIx64 " %s ", s->name, w->id, w->value, said);
    if (has) {
        printf("0x%" PRIx64 "\n", reads);
    } else {
        printf("-\n");
    }
    return strcmp(said, "0") == 0 && has && reads == w->value;
}

static bool set_lengths(const struct vcpu *v, const struct source *s)
{
    uint64_t vls[KVM_ARM64_SVE_VLS_WORDS] = {s->vls};
    int errnum = mig_vcpu_arm64_set(v->fd, KVM_REG_ARM64_SVE_VLS, vls);

    printf("%s vls 0x%" PRIx64 " %s\n", s->name, s->vls, answer(errnum));
    return errnum == 0 && finalize(v) == 0;
}

/* Does the guest do what it has to?  A refusal is an answer, too. */
static bool restore(const struct source *s)
{
    bool all = true, done = true;
    struct vcpu v;
    int errnum = open_vcpu(&v, s->features);

    printf("%s features 0x%x %s\n", s->name, s->features, answer(errnum));
    if (errnum == 0 && ((s->features & FEATURE(SVE)) == 0 || set_lengths(&v, s))) {
        for (size_t i = 0; i < s->len; i++) {
            all = write_one(&v, s, &s->writes[i]) && all;
        }
        done = !all || run_guest(&v, s);
    }
    close_vcpu(&v);
    return done;
}

static int is_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int restore_all(const char *folder)
{
    static struct source s;
    struct dirent **names;
    int n = scandir(folder, &names, is_file, alphasort), failed = n < 0;

    for (int i = 0; i < n; i++) {
        if (!read_source(folder, names[i]->d_name, &s) || !restore(&s)) {
            (void)fprintf(stderr, "%s/%s: failed\n", folder, names[i]->d_name);
            failed = 1;
        }
        mig_free(s.name);
    }
    return failed;
}

int main(int argc, char **argv)
{
    kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0) {
        perror("/dev/kvm");
        return 1;
    }
    if (argc == 3 && strcmp(argv[1], "dump") == 0) {
        return dump(strcmp(argv[2], "all") == 0 ? all_features() : FEATURE(PSCI_0_2));
    }
    if (argc == 3 && strcmp(argv[1], "restore") == 0) {
        return restore_all(argv[2]);
    }
    (void)fprintf(stderr, "usage: %s dump base|all | restore FOLDER\n", argv[0]);
    return 2;
}

#else

int main(void)
{
    (void)fprintf(stderr, "this program is for arm64\n");
    return 2;
}

#endif
