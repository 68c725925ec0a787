/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: the stub runs in 64-bit mode, for that is where guests
 * run, and a KVM may interpret other modes and know better there.  It walks an
 * array of questions and ends with a port access; an instruction that faults
 * is stepped over and marked.  All its memory:
 *
 *   0x1000 page tables   0x4000 GDT   0x5000 IDT   0x6000 stub
 *   0x8000 end of the stack   0x10000 questions
 *
 * The timer's signal stays blocked but for KVM_RUN itself (KVM_SET_SIGNAL_MASK),
 * which it ends with EINTR also when it came too early; then it is taken away.
 */
#include "kvm/scratch.h"

#if defined(__x86_64__)

#include <assert.h>
#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "base/file.h"

#define MEMORY_BYTES 0x20000
#define PML4_AT 0x1000
#define PDPT_AT 0x2000
#define PD_AT 0x3000
#define GDT_AT 0x4000
#define IDT_AT 0x5000
#define STUB_AT 0x6000
#define STACK_AT 0x8000
#define PROBES_AT 0x10000

#define CODE_SELECTOR 0x08
#define DATA_SELECTOR 0x10
#define CODE_DESCRIPTOR UINT64_C(0x00af9b000000ffff)
#define DATA_DESCRIPTOR UINT64_C(0x00cf93000000ffff)
#define INTERRUPT_GATE UINT64_C(0x8e00) /* present, for ring 0 */
#define VECTORS 256
#define VECTOR_UD 6
#define VECTOR_GP 13

#define PAGE_TABLE UINT64_C(0x3) /* present, writable */
#define PAGE_2M UINT64_C(0x83)   /* and no table */
#define CR0_PROTECTED_PAGED UINT64_C(0x80000031)
#define CR4_PAE UINT64_C(0x20)
#define EFER_LONG UINT64_C(0x500)

#define DONE_PORT 0xe9
#define STRAY_PORT 0xea

/* A page of the address space that Intel's KVM keeps for itself. */
#define TSS_AT 0xfffbd000u

/* A run is a few thousand exits at most, also where KVM itself is emulated. */
#define RUN_SECONDS 10

static_assert(sizeof(struct mig_kvm_probe) == 32, "the stub steps by it");
static_assert(PROBES_AT + MIG_KVM_PROBES_MAX * sizeof(struct mig_kvm_probe) <= MEMORY_BYTES,
              "questions fit");

extern const unsigned char stub_start[] __asm__("mig_kvm_stub_start")
    __attribute__((visibility("hidden")));
extern const unsigned char stub_gp[] __asm__("mig_kvm_stub_gp")
    __attribute__((visibility("hidden")));
extern const unsigned char stub_ud[] __asm__("mig_kvm_stub_ud")
    __attribute__((visibility("hidden")));
extern const unsigned char stub_stray[] __asm__("mig_kvm_stub_stray")
    __attribute__((visibility("hidden")));
extern const unsigned char stub_end[] __asm__("mig_kvm_stub_end")
    __attribute__((visibility("hidden")));

/* RSI: the question, EBP: how many are left. */
__asm__(".pushsection .rodata\n"
        ".globl mig_kvm_stub_start, mig_kvm_stub_gp, mig_kvm_stub_ud\n"
        ".globl mig_kvm_stub_stray, mig_kvm_stub_end\n"
        "mig_kvm_stub_start:\n"
        "1: movl (%rsi), %eax\n"
        "   movl 4(%rsi), %ecx\n"
        "   cmpw $0, 24(%rsi)\n"
        "   jne 2f\n"
        "   cpuid\n"
        "   jmp 3f\n"
        "2: movl %eax, %ecx\n"
        "   xorl %eax, %eax\n"
        "   xorl %ebx, %ebx\n"
        "   xorl %edx, %edx\n"
        "   rdmsr\n"
        "3: movl %eax, 8(%rsi)\n"
        "   movl %ebx, 12(%rsi)\n"
        "   movl %ecx, 16(%rsi)\n"
        "   movl %edx, 20(%rsi)\n"
        "   addq $32, %rsi\n"
        "   decl %ebp\n"
        "   jnz 1b\n"
        "   outb %al, $0xe9\n"
        "4: hlt\n"
        "   jmp 4b\n"
        "mig_kvm_stub_gp:\n"
        "   addq $8, %rsp\n" /* the error code */
        "mig_kvm_stub_ud:\n"
        "   movw $1, 26(%rsi)\n"
        "   addq $2, (%rsp)\n" /* CPUID and RDMSR are two bytes each */
        "   iretq\n"
        "mig_kvm_stub_stray:\n"
        "   outb %al, $0xea\n"
        "5: hlt\n"
        "   jmp 5b\n"
        "mig_kvm_stub_end:\n"
        ".popsection\n");

int mig_kvm_scratch_add_vm(struct mig_kvm_scratch *s, int kvm)
{
    struct kvm_userspace_memory_region region = {.memory_size = MEMORY_BYTES};
    void *memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED) {
        return errno;
    }
    s->memory = memory;
    s->vm = ioctl(kvm, KVM_CREATE_VM, 0);
    if (s->vm < 0) {
        return errno;
    }
    /* As a VMM has it; what KVM answers is not about this. */
    (void)ioctl(s->vm, KVM_SET_TSS_ADDR, TSS_AT);
    (void)ioctl(s->vm, KVM_CREATE_IRQCHIP, 0);
    region.userspace_addr = (uintptr_t)memory;
    return ioctl(s->vm, KVM_SET_USER_MEMORY_REGION, &region) == 0 ? 0 : errno;
}

int mig_kvm_scratch_add_vcpu(struct mig_kvm_scratch *s, int kvm)
{
    int len = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    void *run;

    s->vcpu = ioctl(s->vm, KVM_CREATE_VCPU, 0);
    if (len < 0 || s->vcpu < 0) {
        return errno;
    }
    run = mmap(NULL, (size_t)len, PROT_READ | PROT_WRITE, MAP_SHARED, s->vcpu, 0);
    if (run == MAP_FAILED) {
        return errno;
    }
    s->run = run;
    s->run_len = (size_t)len;
    return 0;
}

static void put(unsigned char *memory, size_t at, uint64_t value)
{
    memcpy(memory + at, &value, sizeof value);
}

static void put_gate(unsigned char *memory, unsigned vector, const unsigned char *handler)
{
    uint64_t at = STUB_AT + (uint64_t)(handler - stub_start);

    put(memory, IDT_AT + vector * 16, INTERRUPT_GATE << 32 | CODE_SELECTOR << 16 | at);
    put(memory, IDT_AT + vector * 16 + 8, 0);
}

static void fill(unsigned char *memory, const struct mig_kvm_probe *probes, size_t len)
{
    put(memory, PML4_AT, PDPT_AT | PAGE_TABLE);
    put(memory, PDPT_AT, PD_AT | PAGE_TABLE);
    put(memory, PD_AT, PAGE_2M);
    put(memory, GDT_AT + CODE_SELECTOR, CODE_DESCRIPTOR);
    put(memory, GDT_AT + DATA_SELECTOR, DATA_DESCRIPTOR);
    for (unsigned vector = 0; vector < VECTORS; vector++) {
        put_gate(memory, vector, stub_stray);
    }
    put_gate(memory, VECTOR_UD, stub_ud);
    put_gate(memory, VECTOR_GP, stub_gp);
    memcpy(memory + STUB_AT, stub_start, (size_t)(stub_end - stub_start));
    memcpy(memory + PROBES_AT, probes, len * sizeof *probes);
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool code)
{
    return (struct kvm_segment){.selector = selector,
                                .type = type,
                                .limit = UINT32_MAX,
                                .present = 1,
                                .s = 1,
                                .l = code,
                                .db = !code,
                                .g = 1};
}

static int load(struct mig_kvm_scratch *s, const struct mig_kvm_probe *probes, size_t len)
{
    struct kvm_regs regs = {
        .rip = STUB_AT, .rsp = STACK_AT, .rsi = PROBES_AT, .rbp = len, .rflags = 2};
    struct kvm_sregs sregs;

    fill(s->memory, probes, len);
    if (ioctl(s->vcpu, KVM_GET_SREGS, &sregs) != 0) {
        return errno;
    }
    sregs.cs = segment(CODE_SELECTOR, 0xb, true);
    sregs.ss = sregs.ds = sregs.es = sregs.fs = sregs.gs = segment(DATA_SELECTOR, 3, false);
    sregs.gdt = (struct kvm_dtable){.base = GDT_AT, .limit = DATA_SELECTOR + 7};
    sregs.idt = (struct kvm_dtable){.base = IDT_AT, .limit = VECTORS * 16 - 1};
    sregs.cr0 = CR0_PROTECTED_PAGED;
    sregs.cr3 = PML4_AT;
    sregs.cr4 = CR4_PAE;
    sregs.efer |= EFER_LONG;
    return ioctl(s->vcpu, KVM_SET_SREGS, &sregs) == 0 && ioctl(s->vcpu, KVM_SET_REGS, &regs) == 0
               ? 0
               : errno;
}

/* Only the timer's signal gets into KVM_RUN. */
static int admit_timer(int vcpu, const sigset_t *others)
{
    _Alignas(struct kvm_signal_mask) unsigned char room[sizeof(struct kvm_signal_mask) + 8];
    struct kvm_signal_mask *mask = (struct kvm_signal_mask *)(void *)room;
    sigset_t open = *others;

    (void)sigdelset(&open, SIGALRM);
    mask->len = 8; /* of the kernel's set, which is shorter than libc's */
    memcpy(mask->sigset, &open, 8);
    return ioctl(vcpu, KVM_SET_SIGNAL_MASK, mask) == 0 ? 0 : errno;
}

/* To the stub's end: 0 or errno. */
static int run_to_end(struct mig_kvm_scratch *s)
{
    if (ioctl(s->vcpu, KVM_RUN, 0) != 0) {
        return errno == EINTR ? ETIMEDOUT : errno;
    }
    if (s->run->exit_reason != KVM_EXIT_IO) {
        return EIO;
    }
    return s->run->io.port == DONE_PORT ? 0 : EFAULT;
}

int mig_kvm_scratch_run(struct mig_kvm_scratch *s, struct mig_kvm_probe *probes, size_t len)
{
    const struct timespec now = {0};
    const struct itimerval never = {0}, soon = {.it_value.tv_sec = RUN_SECONDS};
    sigset_t alarm, before;
    int errnum;

    MIG_ASSERT(len > 0 && len <= MIG_KVM_PROBES_MAX);
    errnum = load(s, probes, len);
    if (errnum != 0) {
        return errnum;
    }
    (void)sigemptyset(&alarm);
    (void)sigaddset(&alarm, SIGALRM);
    (void)sigprocmask(SIG_BLOCK, &alarm, &before);
    errnum = admit_timer(s->vcpu, &before);
    if (errnum == 0 && setitimer(ITIMER_REAL, &soon, NULL) == 0) {
        errnum = run_to_end(s);
        (void)setitimer(ITIMER_REAL, &never, NULL);
        (void)sigtimedwait(&alarm, NULL, &now);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    memcpy(probes, s->memory + PROBES_AT, len * sizeof *probes);
    return errnum;
}

void mig_kvm_scratch_clear(struct mig_kvm_scratch *s)
{
    if (s->run != NULL) {
        (void)munmap(s->run, s->run_len);
    }
    mig_fd_close(s->vcpu);
    mig_fd_close(s->vm);
    if (s->memory != NULL) {
        (void)munmap(s->memory, MEMORY_BYTES);
    }
    *s = (struct mig_kvm_scratch)MIG_KVM_SCRATCH_NONE;
}

#endif
