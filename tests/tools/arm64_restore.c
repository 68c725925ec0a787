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
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/file.h"
#include "base/text.h"

#define FILE_MAX_BYTES 65536
#define REGISTERS_MAX 4096
#define GUEST_SECONDS 10

/* Where the guest runs, and where its stores leave it. */
#define CODE_ADDRESS UINT64_C(0x10000)
#define CODE_BYTES 4096
#define OUT_ADDRESS UINT64_C(0x0b000000)
#define OUT_LIMIT 0x7f8

#define FEATURE(name) (1U << KVM_ARM_VCPU_##name)
#define PAUTH (FEATURE(PTRAUTH_ADDRESS) | FEATURE(PTRAUTH_GENERIC))

struct vcpu {
    int vm, fd;
    uint32_t features;
    struct kvm_run *run;
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

static const char *answer(int failed)
{
    return failed == 0 ? "0" : strerrorname_np(errno);
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

/* 0, or -1 and errno. */
static int open_vcpu(struct vcpu *v, uint32_t features)
{
    struct kvm_device_attr pmu = {.group = KVM_ARM_VCPU_PMU_V3_CTRL,
                                  .attr = KVM_ARM_VCPU_PMU_V3_INIT};
    struct kvm_vcpu_init init = {0};
    int failed;

    *v = (struct vcpu){.vm = ioctl(kvm, KVM_CREATE_VM, 0), .fd = -1, .features = features};
    v->fd = ioctl(v->vm, KVM_CREATE_VCPU, 0);
    (void)ioctl(v->vm, KVM_ARM_PREFERRED_TARGET, &init);
    init.features[0] = features;
    failed = ioctl(v->fd, KVM_ARM_VCPU_INIT, &init);
    if (failed == 0 && (features & FEATURE(PMU_V3)) != 0) {
        failed = ioctl(v->fd, KVM_SET_DEVICE_ATTR, &pmu);
    }
    return failed;
}

static void close_vcpu(struct vcpu *v)
{
    (void)close(v->fd);
    (void)close(v->vm);
}

static int get(const struct vcpu *v, uint64_t id, void *ret)
{
    struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)ret};

    return ioctl(v->fd, KVM_GET_ONE_REG, &reg);
}

static int set(const struct vcpu *v, uint64_t id, const void *value)
{
    struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)value};

    return ioctl(v->fd, KVM_SET_ONE_REG, &reg);
}

static int finalize(const struct vcpu *v)
{
    int what = KVM_ARM_VCPU_SVE;

    return ioctl(v->fd, KVM_ARM_VCPU_FINALIZE, &what);
}

static bool is_system_reg(uint64_t id)
{
    return (id & KVM_REG_ARM_COPROC_MASK) == KVM_REG_ARM64_SYSREG;
}

/* Of the ID space, caches and their like; MPIDR_EL1 is each vCPU's own. */
static bool tells_features(uint64_t id)
{
    uint64_t kind = id & KVM_REG_ARM_COPROC_MASK, op1 = mig_bits_get(id, 13, 11);

    if (!is_system_reg(id)) {
        return kind == KVM_REG_ARM_FW || kind == KVM_REG_ARM_FW_FEAT_BMAP ||
               kind == KVM_REG_ARM_DEMUX;
    }
    return mig_bits_get(id, 15, 14) == 3 && (op1 <= 1 || op1 == 3) &&
           mig_bits_get(id, 10, 3) <= 7 && id != ARM64_SYS_REG(3, 0, 0, 0, 5);
}

/* ---- dump ---- */

static int dump(uint32_t features)
{
    struct kvm_reg_list *list = mig_alloc(1, sizeof *list + REGISTERS_MAX * sizeof list->reg[0]);
    uint64_t vls[KVM_ARM64_SVE_VLS_WORDS] = {0};
    struct vcpu v;

    if (open_vcpu(&v, features) != 0) {
        perror("vCPU");
        return 1;
    }
    printf("features 0x%x\n", features);
    if ((features & FEATURE(SVE)) != 0) {
        if (get(&v, KVM_REG_ARM64_SVE_VLS, vls) != 0 || finalize(&v) != 0) {
            perror("vector lengths");
            return 1;
        }
        printf("vls 0x%" PRIx64 "\n", vls[0]);
    }
    list->n = REGISTERS_MAX;
    if (ioctl(v.fd, KVM_GET_REG_LIST, list) != 0) {
        perror("KVM_GET_REG_LIST");
        return 1;
    }
    for (uint64_t i = 0; i < list->n; i++) {
        uint64_t id = list->reg[i], value = 0;

        if (tells_features(id) && get(&v, id, &value) == 0) {
            printf("reg 0x%" PRIx64 " 0x%" PRIx64 "\n", id, value);
        }
    }
    mig_free(list);
    close_vcpu(&v);
    return 0;
}

/* ---- the guest ---- */

/* mrs x0, S3_op1_Cn_Cm_op2: the instruction holds the encoding as KVM's id does. */
static uint32_t mrs_x0(uint64_t id)
{
    return 0xd5300000u | (uint32_t)(id & 0x7fff) << 5 | 1u << 19;
}

/* str x0, [x20, #offset] */
static uint32_t str_x0(uint32_t offset)
{
    return 0xf9000280u | offset / 8 << 10;
}

/* One load and one store for each system register of @s; ends at OUT_LIMIT. */
static size_t write_code(const struct source *s, uint32_t *code)
{
    size_t n = 0, seen = 0;

    code[n++] = 0xd2a16014u; /* movz x20, #0x0b00, lsl #16 */
    for (size_t i = 0; i < s->len; i++) {
        if (is_system_reg(s->writes[i].id)) {
            code[n++] = mrs_x0(s->writes[i].id);
            code[n++] = str_x0((uint32_t)(seen++ * 8));
        }
    }
    code[n++] = str_x0(OUT_LIMIT);
    return n;
}

static uint64_t nth_system_reg(const struct source *s, uint64_t n)
{
    for (size_t i = 0; i < s->len; i++) {
        if (is_system_reg(s->writes[i].id) && n-- == 0) {
            return s->writes[i].id;
        }
    }
    return 0;
}

static bool map_guest(struct vcpu *v, const struct source *s)
{
    uint64_t pc = CODE_ADDRESS, pc_id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |
                                        KVM_REG_ARM_CORE_REG(regs.pc);
    int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    uint32_t *code =
        mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct kvm_userspace_memory_region memory = {.guest_phys_addr = CODE_ADDRESS,
                                                 .memory_size = CODE_BYTES,
                                                 .userspace_addr = (uintptr_t)code};

    if (code == MAP_FAILED || size < (int)sizeof *v->run) {
        return false;
    }
    (void)write_code(s, code);
    __builtin___clear_cache((char *)code, (char *)code + CODE_BYTES);
    v->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
    return v->run != MAP_FAILED && ioctl(v->vm, KVM_SET_USER_MEMORY_REGION, &memory) == 0 &&
           set(v, pc_id, &pc) == 0;
}

static bool run_guest(struct vcpu *v, const struct source *s)
{
    if (!map_guest(v, s)) {
        perror("guest");
        return false;
    }
    (void)alarm(GUEST_SECONDS);
    for (;;) {
        uint64_t value, offset;

        if (ioctl(v->fd, KVM_RUN, 0) != 0) {
            perror("KVM_RUN");
            return false;
        }
        if (v->run->exit_reason != KVM_EXIT_MMIO || v->run->mmio.is_write == 0) {
            (void)fprintf(stderr, "guest: exit %u\n", v->run->exit_reason);
            return false;
        }
        offset = v->run->mmio.phys_addr - OUT_ADDRESS;
        if (offset == OUT_LIMIT) {
            break;
        }
        memcpy(&value, v->run->mmio.data, sizeof value);
        printf("%s seen 0x%" PRIx64 " 0x%" PRIx64 "\n", s->name, nth_system_reg(s, offset / 8),
               value);
    }
    (void)alarm(0);
    return true;
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
    const char *said = answer(set(v, w->id, &w->value));
    bool has = get(v, w->id, &reads) == 0;

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
    int failed = set(v, KVM_REG_ARM64_SVE_VLS, vls);

    printf("%s vls 0x%" PRIx64 " %s\n", s->name, s->vls, answer(failed));
    return failed == 0 && finalize(v) == 0;
}

/* Does the guest do what it has to?  A refusal is an answer, too. */
static bool restore(const struct source *s)
{
    bool all = true, done = true;
    struct vcpu v;
    int failed = open_vcpu(&v, s->features);

    printf("%s features 0x%x %s\n", s->name, s->features, answer(failed));
    if (failed == 0 && ((s->features & FEATURE(SVE)) == 0 || set_lengths(&v, s))) {
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
