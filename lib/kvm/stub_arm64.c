/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: two pages.  The first has one load and one store for
 * each register, then a store to DONE.  The second has vectors: a register that
 * raises an exception is skipped together with its store, so the host knows it
 * by what is missing.
 *
 * A vCPU that never leaves the guest is taken out by a signal.  The signal may
 * come just before KVM_RUN and be lost, so the timer goes on.
 */
#include "kvm/stub_arm64.h"

#if defined(__aarch64__)

#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "base/now.h"
#include "kvm/vcpu_arm64.h"

/* Below what interrupt controllers are given, and above. */
#define CODE_ADDRESS UINT64_C(0x10000)
#define PAGE_BYTES 4096
#define CODE_BYTES (2 * PAGE_BYTES)
#define OUT_ADDRESS UINT64_C(0x0b000000)
#define OUT_DONE 0xff8
#define OUT_BROKEN 0xff0

#define VECTORS 16
#define VECTOR_WORDS 32
#define SYNC_AT_OWN_LEVEL 4 /* with the stack pointer that a vCPU starts with */

#define KICK_MS 50

/* mrs x0: the instruction holds the encoding as KVM's id does. */
static uint32_t mrs_x0(uint64_t id)
{
    return 0xd5300000U | (uint32_t)(id & 0x7fff) << 5;
}

/* str x0, [x20, #offset] */
static uint32_t str_x0(uint32_t offset)
{
    return 0xf9000280U | offset / 8 << 10;
}

static void write_code(const struct mig_stub *stub, uint32_t *code)
{
    size_t n = 0;

    code[n++] = 0xd2a16014; /* movz x20, #0x0b00, lsl #16 */
    code[n++] = 0xd2a00021; /* movz x1, #1, lsl #16 */
    code[n++] = 0xf2820001; /* movk x1, #0x1000 */
    code[n++] = 0xd518c001; /* msr vbar_el1, x1 */
    code[n++] = 0xd5033fdf; /* isb */
    for (size_t i = 0; i < stub->len; i++) {
        code[n++] = mrs_x0(stub->items[i].id);
        code[n++] = str_x0((uint32_t)(i * 8));
    }
    code[n++] = str_x0(OUT_DONE);
    code[n++] = 0x14000000; /* b . */
}

static void write_vectors(uint32_t *code)
{
    for (size_t i = 0; i < VECTORS; i++) {
        uint32_t *vector = code + i * VECTOR_WORDS;

        if (i == SYNC_AT_OWN_LEVEL) {
            vector[0] = 0xd5384021; /* mrs x1, elr_el1 */
            vector[1] = 0x91002021; /* add x1, x1, #8 */
            vector[2] = 0xd5184021; /* msr elr_el1, x1 */
            vector[3] = 0xd69f03e0; /* eret */
        } else {
            vector[0] = str_x0(OUT_BROKEN);
            vector[1] = 0x14000000; /* b . */
        }
    }
}

static int load(const struct mig_stub *stub, int vm, int vcpu, uint32_t *code)
{
    struct kvm_userspace_memory_region memory = {.guest_phys_addr = CODE_ADDRESS,
                                                 .memory_size = CODE_BYTES,
                                                 .userspace_addr = (uintptr_t)code};
    uint64_t pc = CODE_ADDRESS, pc_id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |
                                        KVM_REG_ARM_CORE_REG(regs.pc);

    write_code(stub, code);
    write_vectors(code + PAGE_BYTES / sizeof *code);
    __builtin___clear_cache((char *)code, (char *)code + CODE_BYTES);
    if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &memory) != 0) {
        return errno;
    }
    return mig_vcpu_arm64_set(vcpu, pc_id, &pc);
}

/* ---- the run ---- */

static void kick(int signum)
{
    (void)signum;
}

/* 0 when there is more to come, ECANCELED when the guest is done, or errno. */
static int take(struct mig_stub *stub, const struct kvm_run *run, size_t *at)
{
    uint64_t offset = run->mmio.phys_addr - OUT_ADDRESS;
    size_t i = offset / 8;

    if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.is_write == 0 || run->mmio.len != 8) {
        return ENOEXEC;
    }
    if (offset == OUT_DONE) {
        return ECANCELED;
    }
    if (i >= stub->len || i < *at) {
        return ENOEXEC;
    }
    memcpy(&stub->items[i].value, run->mmio.data, sizeof stub->items[i].value);
    stub->items[i].seen = true;
    *at = i + 1;
    return 0;
}

static int run_until(struct mig_stub *stub, int vcpu, const struct kvm_run *run, uint64_t end_ms)
{
    size_t at = 0;
    int errnum = 0;

    while (errnum == 0) {
        if (ioctl(vcpu, KVM_RUN, 0) == 0) {
            errnum = take(stub, run, &at);
        } else if (errno != EINTR) {
            errnum = errno;
        }
        if (errnum == 0 && mig_now_ms() >= end_ms) {
            errnum = ETIMEDOUT;
        }
    }
    return errnum == ECANCELED ? 0 : errnum;
}

static int run_limited(struct mig_stub *stub, int vcpu, const struct kvm_run *run,
                       unsigned timeout_ms)
{
    static const struct itimerval every = {{.tv_usec = KICK_MS * 1000},
                                           {.tv_usec = KICK_MS * 1000}};
    struct sigaction action = {.sa_handler = kick}, before;
    struct itimerval timer_before;
    int errnum;

    (void)sigemptyset(&action.sa_mask);
    if (sigaction(SIGALRM, &action, &before) != 0) {
        return errno;
    }
    if (setitimer(ITIMER_REAL, &every, &timer_before) != 0) {
        errnum = errno;
    } else {
        errnum = run_until(stub, vcpu, run, mig_now_ms() + timeout_ms);
        (void)setitimer(ITIMER_REAL, &timer_before, NULL);
    }
    (void)sigaction(SIGALRM, &before, NULL);
    return errnum;
}

/* Private: a VM with memory tags takes nothing else. */
static void *map(size_t bytes)
{
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int mig_stub_run(struct mig_stub *stub, int kvm, int vm, int vcpu, unsigned timeout_ms)
{
    int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), errnum;
    void *code = map(CODE_BYTES), *run = MAP_FAILED;

    if (code == MAP_FAILED) {
        return ENOMEM;
    }
    errnum = size < (int)sizeof(struct kvm_run) ? EPROTO : load(stub, vm, vcpu, code);
    if (errnum == 0) {
        run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
        errnum = run == MAP_FAILED ? errno : run_limited(stub, vcpu, run, timeout_ms);
    }
    if (run != MAP_FAILED) {
        (void)munmap(run, (size_t)size);
    }
    (void)munmap(code, CODE_BYTES);
    return errnum;
}

#endif
