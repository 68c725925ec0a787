/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest in place of a firmware: for ever it writes CPUID's leaf 1 and a
 * counter to the debug console, "EAX ECX EDX COUNT" in hex, one line a turn.
 * TURN is how long one waits.  Linked at 0 into 64 KiB that QEMU puts below 1 MiB and 4 GiB.
 */
    .code16
    .text
    .globl _start
_start:
    cli
    xorw %ax, %ax
    movw %ax, %ss
    movw $0x7c00, %sp
    xorl %ebp, %ebp
turn:
    movl $1, %eax
    xorl %ecx, %ecx
    cpuid
    pushl %edx
    pushl %ecx
    call word_out
    popl %eax
    call word_out
    popl %eax
    call word_out
    movl %ebp, %eax
    call word_out
    movb $10, %al
    outb %al, $0xe9
    incl %ebp
    movl $TURN, %ecx
wait:
    decl %ecx
    jnz wait
    jmp turn

/* EAX as eight digits and a space. */
word_out:
    movl %eax, %ebx
    movw $8, %si
digit:
    roll $4, %ebx
    movb %bl, %al
    andb $15, %al
    addb $48, %al
    cmpb $58, %al
    jb put
    addb $39, %al
put:
    outb %al, $0xe9
    decw %si
    jnz digit
    movb $32, %al
    outb %al, $0xe9
    ret

    .org 0xfff0
    ljmp $0xf000, $_start
    .org 0x10000
