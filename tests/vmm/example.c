/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest VMM that uses libmig: a guest that counts, in memory and in a
 * register, and says each number at an I/O port.
 *
 *   example boot PROFILE.json VM INSTANCE HOST COUNT CONTRACT STATE
 *     Show a new guest the profile, write down what it was shown (contract
 *     JSON; CONTRACT.payload is what HOST's agent signs), let it count to COUNT,
 *     save its state.
 *   example resume CA CONTRACT.sealed VM INSTANCE SNAPSHOT|- COUNT STATE
 *     In another process: believe the contract, ask whether this host (its
 *     sealed snapshot; - asks nothing) can have the guest, show it exactly what
 *     it was shown, load its state, let it go on to COUNT.
 *
 * With "lax" in front of these words a guest runs although KVM does not show it
 * what it should: for software KVMs that enforce nothing.  Uses mig.h and KVM,
 * nothing else of this project.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <mig.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY_BYTES 0x10000
#define CODE 0x1000
#define COUNTER 0x2000
#define PORT 0x10
#define MSRS_MAX 1024
#define FILE_MAX (4u << 20)

struct vmm {
    int kvm, vm, vcpu;
    unsigned char *memory;
    struct kvm_run *run;
    size_t run_bytes;
};

struct msr {
    uint64_t index, value;
};

/* A guest on its way.  A real VMM has a format with versions here. */
struct state {
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    struct kvm_xcrs xcrs;
    uint32_t xsave[1024]; /* struct kvm_xsave without what KVM_CAP_XSAVE2 adds */
    struct kvm_vcpu_events events;
    uint32_t has_xcrs, msrs_len;
    struct msr msrs[MSRS_MAX];
    unsigned char memory[MEMORY_BYTES];
};

static bool lax;

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "example: %s: %s\n", what, why);
    exit(1);
}

static void die_errno(const char *what)
{
    die(what, strerror(errno));
}

static int ask(int fd, const char *what, unsigned long request, void *argument)
{
    int answer = ioctl(fd, request, argument);

    if (answer < 0) {
        die_errno(what);
    }
    return answer;
}
#define ASK(fd, request, argument) ask((fd), #request, (request), (argument))

static char *read_file(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(FILE_MAX);

    if (file == NULL || bytes == NULL) {
        die_errno(path);
    }
    *ret_len = fread(bytes, 1, FILE_MAX, file);
    (void)fclose(file);
    return bytes;
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(bytes, 1, len, file) != len || fclose(file) != 0) {
        die_errno(path);
    }
}

/* A mismatch names the place, and the guest does not run. */
static void check(const char *step, int code, const struct libmig_apply *apply,
                  const struct libmig_error *err)
{
    struct libmig_mismatch m;

    if (code == LIBMIG_OK) {
        return;
    }
    for (size_t i = 0; i < libmig_apply_mismatches(apply); i++) {
        if (libmig_apply_mismatch(apply, i, &m, NULL) == LIBMIG_OK) {
            (void)fprintf(stderr, "example: %s %s: wanted 0x%" PRIx64 ", ", m.stage, m.id,
                          m.wanted);
            if (m.has_got) {
                (void)fprintf(stderr, "got 0x%" PRIx64 "\n", m.got);
            } else {
                (void)fprintf(stderr, "%s\n", strerror(m.errnum));
            }
        }
    }
    if (!lax || code != LIBMIG_DIFFERS) {
        die(step, err->text);
    }
}

/* A VM with one vCPU that shows @cpu, in the one right order. */
static void vmm_make(struct vmm *v, const struct libmig_cpu *cpu)
{
    struct kvm_userspace_memory_region region = {.memory_size = MEMORY_BYTES};
    struct libmig_apply *apply = NULL;
    struct libmig_error err;

    v->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (v->kvm < 0) {
        die_errno("/dev/kvm");
    }
    if (libmig_apply_new(cpu, 0, &apply, &err) != LIBMIG_OK) {
        die("apply", err.text);
    }
    check("process", libmig_apply_process(apply, v->kvm, &err), apply, &err);
    v->vm = ioctl(v->kvm, KVM_CREATE_VM, libmig_apply_vm_type(apply, v->kvm));
    if (v->vm < 0) {
        die_errno("KVM_CREATE_VM");
    }
    check("VM", libmig_apply_vm(apply, v->kvm, v->vm, &err), apply, &err);
    v->memory =
        mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (v->memory == MAP_FAILED) {
        die_errno("mmap");
    }
    region.userspace_addr = (uint64_t)(uintptr_t)v->memory;
    (void)ASK(v->vm, KVM_SET_USER_MEMORY_REGION, &region);
    v->vcpu = ASK(v->vm, KVM_CREATE_VCPU, NULL);
    v->run_bytes = (size_t)ASK(v->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);
    v->run = mmap(NULL, v->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, v->vcpu, 0);
    if (v->run == MAP_FAILED) {
        die_errno("mmap of the vCPU");
    }
    check("vCPU", libmig_apply_vcpu(apply, v->vm, v->vcpu, &err), apply, &err);
    check("read back", libmig_apply_read_back(apply, v->vm, v->vcpu, &err), apply, &err);
    libmig_apply_free(apply);
}

static void vmm_end(struct vmm *v)
{
    (void)munmap(v->run, v->run_bytes);
    (void)munmap(v->memory, MEMORY_BYTES);
    (void)close(v->vcpu);
    (void)close(v->vm);
    (void)close(v->kvm);
}

/* Real mode: count in memory and in BX, say the number, wait a little. */
static void load_guest(struct vmm *v)
{
    static const unsigned char code[] = {
        0xff,
        0x06,
        COUNTER & 0xff,
        COUNTER >> 8, /* inc word [COUNTER] */
        0x43,         /* inc bx */
        0xa1,
        COUNTER & 0xff,
        COUNTER >> 8, /* mov ax, [COUNTER] */
        0xba,
        PORT,
        0,    /* mov dx, PORT */
        0xef, /* out dx, ax */
        0xb9,
        0,
        1, /* mov cx, 256 */
        0xe2,
        0xfe, /* loop $ */
        0xeb,
        0xed, /* jmp back */
    };
    struct kvm_regs regs = {.rip = CODE, .rflags = 2};
    struct kvm_sregs sregs;

    memcpy(v->memory + CODE, code, sizeof code);
    (void)ASK(v->vcpu, KVM_GET_SREGS, &sregs);
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    (void)ASK(v->vcpu, KVM_SET_SREGS, &sregs);
    (void)ASK(v->vcpu, KVM_SET_REGS, &regs);
}

/* Until the guest has said @last; gives the first number that it said. */
static unsigned count(struct vmm *v, unsigned last)
{
    unsigned first = 0, number = 0;
    struct kvm_regs regs;
    uint16_t said;

    while (number < last) {
        if (ioctl(v->vcpu, KVM_RUN, NULL) != 0 && errno != EINTR) {
            die_errno("KVM_RUN");
        }
        if (v->run->exit_reason != KVM_EXIT_IO || v->run->io.port != PORT) {
            (void)fprintf(stderr, "example: exit reason %u\n", v->run->exit_reason);
            die("KVM_RUN", "the guest does not count");
        }
        memcpy(&said, (unsigned char *)v->run + v->run->io.data_offset, sizeof said);
        (void)ASK(v->vcpu, KVM_GET_REGS, &regs);
        if (said != (uint16_t)(number + 1) && number != 0) {
            die("guest", "it lost count");
        }
        if ((regs.rbx & 0xffff) != said) {
            die("guest", "memory and register differ");
        }
        number = said;
        first = first == 0 ? number : first;
    }
    /* Finish the instruction that the guest is in, without going on. */
    v->run->immediate_exit = 1;
    if (ioctl(v->vcpu, KVM_RUN, NULL) == 0 || errno != EINTR) {
        die("KVM_RUN", "did not stop at once");
    }
    v->run->immediate_exit = 0;
    return first;
}

/* KVM_GET_MSRS or KVM_SET_MSRS of one; false when KVM does not take it. */
static bool do_msr(const struct vmm *v, unsigned long request, uint32_t index, uint64_t *value)
{
    struct kvm_msrs *one = calloc(1, sizeof *one + sizeof *one->entries);
    int done;

    if (one == NULL) {
        die_errno("memory");
    }
    one->nmsrs = 1;
    one->entries[0].index = index;
    one->entries[0].data = *value;
    done = ioctl(v->vcpu, request, one);
    *value = one->entries[0].data;
    free(one);
    return done == 1;
}

static void save_msrs(const struct vmm *v, struct state *s)
{
    struct kvm_msr_list *list = calloc(1, sizeof *list + MSRS_MAX * sizeof(uint32_t));

    if (list == NULL) {
        die_errno("memory");
    }
    list->nmsrs = MSRS_MAX;
    (void)ASK(v->kvm, KVM_GET_MSR_INDEX_LIST, list);
    for (uint32_t i = 0; i < list->nmsrs; i++) {
        struct msr *m = &s->msrs[s->msrs_len];

        m->index = list->indices[i];
        if (do_msr(v, KVM_GET_MSRS, list->indices[i], &m->value)) {
            s->msrs_len++;
        }
    }
    free(list);
}

static struct state *save(const struct vmm *v)
{
    struct state *s = calloc(1, sizeof *s);

    if (s == NULL) {
        die_errno("memory");
    }
    (void)ASK(v->vcpu, KVM_GET_REGS, &s->regs);
    (void)ASK(v->vcpu, KVM_GET_SREGS, &s->sregs);
    s->has_xcrs = ioctl(v->kvm, KVM_CHECK_EXTENSION, KVM_CAP_XCRS) > 0;
    if (s->has_xcrs) {
        (void)ASK(v->vcpu, KVM_GET_XCRS, &s->xcrs);
    }
    (void)ASK(v->vcpu, KVM_GET_XSAVE, s->xsave);
    (void)ASK(v->vcpu, KVM_GET_VCPU_EVENTS, &s->events);
    save_msrs(v, s);
    memcpy(s->memory, v->memory, MEMORY_BYTES);
    return s;
}

/* An MSR that KVM does not take must have the value already; at 0 there is
 * nothing to carry to a KVM that does not know it. */
static void load(const struct vmm *v, const struct state *s)
{
    uint64_t value;

    memcpy(v->memory, s->memory, MEMORY_BYTES);
    (void)ASK(v->vcpu, KVM_SET_SREGS, (void *)(uintptr_t)&s->sregs);
    (void)ASK(v->vcpu, KVM_SET_REGS, (void *)(uintptr_t)&s->regs);
    if (s->has_xcrs) {
        (void)ASK(v->vcpu, KVM_SET_XCRS, (void *)(uintptr_t)&s->xcrs);
    }
    (void)ASK(v->vcpu, KVM_SET_XSAVE, (void *)(uintptr_t)s->xsave);
    for (uint32_t i = 0; i < s->msrs_len && i < MSRS_MAX; i++) {
        uint32_t index = (uint32_t)s->msrs[i].index;

        value = s->msrs[i].value;
        if (do_msr(v, KVM_SET_MSRS, index, &value)) {
            continue;
        }
        value = 0;
        (void)do_msr(v, KVM_GET_MSRS, index, &value);
        if (value != s->msrs[i].value) {
            (void)fprintf(stderr, "example: MSR 0x%" PRIx32 " of 0x%" PRIx64 "\n", index,
                          s->msrs[i].value);
            die("KVM_SET_MSRS", "the guest's state can not be restored");
        }
    }
    (void)ASK(v->vcpu, KVM_SET_VCPU_EVENTS, (void *)(uintptr_t)&s->events);
}

static void write_contract(const struct vmm *v, const struct libmig_guest *guest, const char *path)
{
    struct libmig_contract *contract = NULL;
    struct libmig_error err;
    char *json, payload_path[4096];
    unsigned char *payload = NULL;
    size_t len = 0;

    if (libmig_contract_capture(guest, v->kvm, v->vm, v->vcpu, &contract, &err) ||
        libmig_contract_payload(contract, &payload, &len, &err)) {
        die("contract", err.text);
    }
    json = libmig_contract_json(contract);
    write_file(path, json, strlen(json));
    (void)snprintf(payload_path, sizeof payload_path, "%s.payload", path);
    write_file(payload_path, payload, len);
    libmig_free(json);
    libmig_free(payload);
    libmig_contract_free(contract);
}

static unsigned number(const char *text)
{
    unsigned long n = strtoul(text, NULL, 10);

    if (n == 0 || n > UINT16_MAX) {
        die(text, "expected 1 to 65535");
    }
    return (unsigned)n;
}

static void boot(char **argv)
{
    const struct libmig_guest guest = {.vm = argv[1],
                                       .instance = argv[2],
                                       .host = argv[3],
                                       .vmm_name = "example",
                                       .vmm_version = libmig_version()};
    struct libmig_profile *profile = NULL;
    struct libmig_cpu *cpu;
    struct libmig_error err;
    struct vmm v;
    struct state *s;
    unsigned last = number(argv[4]);
    size_t len;
    char *json = read_file(argv[0], &len);

    if (libmig_profile_read(json, len, &profile, &err)) {
        die(argv[0], err.text);
    }
    free(json);
    cpu = libmig_cpu_of_profile(profile);
    libmig_profile_free(profile);
    vmm_make(&v, cpu);
    libmig_cpu_free(cpu);
    load_guest(&v);
    write_contract(&v, &guest, argv[5]);
    (void)printf("counted from %u ", count(&v, last));
    (void)printf("to %u\n", last);
    s = save(&v);
    write_file(argv[6], s, sizeof *s);
    free(s);
    vmm_end(&v);
}

/* May the guest be here?  Every finding is said; a no ends all. */
static void ask_verdict(const struct libmig_trust *trust, const struct libmig_contract *contract,
                        const char *snapshot)
{
    static const char *const severities[] = {"note", "warning", "security", "blocker"};
    struct libmig_verdict *verdict = NULL;
    struct libmig_finding f;
    struct libmig_host *host = NULL;
    struct libmig_error err;
    size_t len;
    char *sealed = read_file(snapshot, &len);

    if (libmig_host_open(trust, sealed, len, NULL, &host, &err) ||
        libmig_judge(contract, NULL, host, LIBMIG_JUDGE_ACCEPT_FILED, &verdict, &err)) {
        die(snapshot, err.text);
    }
    for (size_t i = 0; i < libmig_verdict_findings(verdict); i++) {
        if (libmig_verdict_finding(verdict, i, &f, &err) == LIBMIG_OK) {
            (void)printf("%s %s: %s\n", severities[f.severity], f.id, f.why);
        }
    }
    (void)printf("%s on %s\n", libmig_verdict_name(verdict), libmig_host_name(host));
    if (!libmig_verdict_allows(verdict)) {
        (void)fflush(stdout);
        die("verdict", libmig_verdict_name(verdict));
    }
    libmig_verdict_free(verdict);
    libmig_host_free(host);
    free(sealed);
}

static void resume(char **argv)
{
    struct libmig_trust *trust = NULL;
    struct libmig_contract *contract = NULL;
    struct libmig_cpu *cpu;
    struct libmig_error err;
    struct vmm v;
    struct state *s;
    unsigned last = number(argv[5]);
    size_t len;

    if (libmig_trust_load(argv[0], NULL, &trust, &err) ||
        libmig_contract_open_file(trust, argv[1], &contract, &err) ||
        libmig_contract_expect(contract, argv[2], argv[3], &err)) {
        die("contract", err.text);
    }
    if (strcmp(argv[4], "-") != 0) {
        ask_verdict(trust, contract, argv[4]);
    }
    cpu = libmig_cpu_of_contract(contract);
    libmig_contract_free(contract);
    libmig_trust_free(trust);
    vmm_make(&v, cpu);
    libmig_cpu_free(cpu);
    s = (struct state *)(void *)read_file(argv[6], &len);
    if (len != sizeof *s) {
        die(argv[6], "is no state");
    }
    load(&v, s);
    free(s);
    (void)printf("went on from %u ", count(&v, last));
    (void)printf("to %u\n", last);
    vmm_end(&v);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "lax") == 0) {
        lax = true;
        argc--;
        argv++;
    }
    if (argc == 9 && strcmp(argv[1], "boot") == 0) {
        boot(&argv[2]);
    } else if (argc == 9 && strcmp(argv[1], "resume") == 0) {
        resume(&argv[2]);
    } else {
        die("usage", "example boot PROFILE VM INSTANCE HOST COUNT CONTRACT STATE, or "
                     "example resume CA CONTRACT VM INSTANCE SNAPSHOT|- COUNT STATE");
    }
    return 0;
}
