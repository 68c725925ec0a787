/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/arm64_core.h: what people call the core that a MIDR_EL1 stands for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Can a CPU that KVM runs on have this number? */
bool mig_arm64_core_is_midr(uint64_t value);

/* NULL: none that the table names. */
const char *mig_arm64_core_name(uint64_t midr);

/* "Neoverse-N1 r3p1 (0x413fd0c1)"; the number alone without a name. */
#define MIG_ARM64_CORE_MAX 48
void mig_arm64_core_print(uint64_t midr, char ret[MIG_ARM64_CORE_MAX]);
