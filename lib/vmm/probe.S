/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a scratch guest runs instead of a firmware: executes CPUID for every
 * pair of leaf and subleaf that it is given, reads MSRs, asks KVM for the rate
 * of its clock, and writes all of it to the debug console.  vmm/sweep.c puts
 * the questions behind it; vmm/probe_code.def holds the bytes.
 *
 * Answers gather in memory and leave with one string instruction: a byte at a
 * time would be thousands of exits.
 *
 *   questions: u32 pairs, u32 MSRs, {u32 leaf, u32 subleaf}..., {u32 index}...
 *   answers:   "MIGSWEEP", u32 pairs, u32 MSRs,
 *              {leaf, subleaf, eax, ebx, ecx, edx}..., {index, faults, low, high}...,
 *              clock {u32 faults, u32 multiplier, u32 shift}, "MIGENDED"
 *
 * An MSR that is not there raises an exception, which skips the instruction.
 * Any other exception ends the report with "MIGBROKE".
 */
    .code16
    .set QUESTIONS, 0x1000
    .set ANSWERS_SEGMENT, 0x2000
    .set CONSOLE, 0xe9
    .set CLOCK_PAGE, 0x8000
    .set MSR_KVM_SYSTEM_TIME, 0x4b564d01

    .globl start
start:
    cli
    cld
    xorw    %ax, %ax
    movw    %ax, %ss
    movw    $0x7c00, %sp
    movw    %ax, %es
    xorw    %di, %di
    movw    $32, %cx
each_vector:
    movw    $exception, %ax
    stosw
    movw    %cs, %ax
    stosw
    loop    each_vector

    movw    %ax, %ds                /* our own segment: the questions */
    movw    $ANSWERS_SEGMENT, %ax
    movw    %ax, %es
    xorw    %di, %di
    movw    $begun, %si
    movw    $8, %cx
    rep movsb
    movw    $QUESTIONS, %si
    lodsl
    stosl
    movl    %eax, %ebp
    lodsl
    stosl
    pushl   %eax

each_pair:
    testl   %ebp, %ebp
    jz      pairs_done
    lodsl
    stosl
    movl    %eax, %ebx
    lodsl
    stosl
    movl    %eax, %ecx
    movl    %ebx, %eax
    cpuid
    stosl
    movl    %ebx, %eax
    stosl
    movl    %ecx, %eax
    stosl
    movl    %edx, %eax
    stosl
    decl    %ebp
    jmp     each_pair

pairs_done:
    popl    %ebp
each_msr:
    testl   %ebp, %ebp
    jz      msrs_done
    lodsl
    stosl
    movl    %eax, %ecx
    xorl    %ebx, %ebx
may_fault_read:
    rdmsr
    pushl   %eax
    movl    %ebx, %eax
    stosl
    popl    %eax
    stosl
    movl    %edx, %eax
    stosl
    decl    %ebp
    jmp     each_msr

msrs_done:
    movl    $MSR_KVM_SYSTEM_TIME, %ecx
    movl    $(CLOCK_PAGE | 1), %eax
    xorl    %edx, %edx
    xorl    %ebx, %ebx
may_fault_write:
    wrmsr
    movl    %ebx, %eax
    stosl
    movw    %ss, %ax
    movw    %ax, %ds
    movl    CLOCK_PAGE + 24, %eax
    stosl
    movsbl  CLOCK_PAGE + 28, %eax
    stosl
    movw    $ended, %si

/* Add the word at %si and send everything. */
finish:
    movw    %cs, %ax
    movw    %ax, %ds
    movw    $8, %cx
    rep movsb
    movw    %di, %cx
    movw    %es, %ax
    movw    %ax, %ds
    xorw    %si, %si
    movw    $CONSOLE, %dx
    rep outsb
sleep:
    hlt
    jmp     sleep

/* Both instructions that may fault have two bytes. */
exception:
    pushw   %bp
    movw    %sp, %bp
    cmpw    $may_fault_read, 2(%bp)
    je      skip
    cmpw    $may_fault_write, 2(%bp)
    je      skip
    movw    $broke, %si
    jmp     finish
skip:
    addw    $2, 2(%bp)
    popw    %bp
    xorl    %eax, %eax
    xorl    %edx, %edx
    movl    $1, %ebx
    iretw

begun:  .ascii  "MIGSWEEP"
ended:  .ascii  "MIGENDED"
broke:  .ascii  "MIGBROKE"
