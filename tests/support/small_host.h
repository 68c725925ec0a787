/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/small_host.h: a host of a few words, thought up for one case: flags
 * by name, numbers as name=value.  "erms -avx2 phys_addr_bits=46
 * @x86/cpuid/d.2/eax=0x100"; "?x86/msr/10a" could not be read, "^x86/msr/10a"
 * is not listed, "~msr=none" covers a group, "!microcode=0x1" is a fact.
 */
#pragma once

#include "compat/negotiate.h"

#define LEVEL_1 "fpu cx8 cmov mmx fxsr sse sse2 syscall lm tsc msr pae apic nx"
#define LEVEL_3                                                                                    \
    LEVEL_1 " pni ssse3 sse4_1 sse4_2 cx16 popcnt lahf_lm xsave avx avx2 bmi1 bmi2 fma f16c "      \
            "movbe abm xcr0_x87 xcr0_sse xcr0_avx"

/* Behind LEVEL_3: only what is listed is known, all feature words are. */
#define PARTLY "~cpuid=partial @x86/cpuid/7.0/ecx=0 @x86/cpuid/7.0/edx=0"

/* The caller frees.  All groups are covered unless an edit says otherwise. */
struct mig_snapshot *small_host(const char *edits);

/* An arm64 host under Linux 6.12, much like a Neoverse N1 with 32-bit code and
 * a PMU, without SVE and pointer authentication; edits as above, fields as
 * "ID_AA64ISAR0_EL1.AES=2".  Groups of x86 are not covered. */
struct mig_snapshot *small_arm64(const char *edits);

/* Negotiate between "alpha" and "beta". */
void small_negotiate(const char *source, const char *destination, const struct mig_choice *choice,
                     struct mig_result *ret);

/* May guest "vm" go from "alpha" to "beta"?  @source is NULL for a saved one. */
void small_check_contract(const char *guest, const char *source, const char *destination,
                          const struct mig_choice *choice, struct mig_result *ret);
void small_negotiate_arm64(const char *source, const char *destination,
                           const struct mig_choice *choice, struct mig_result *ret);
