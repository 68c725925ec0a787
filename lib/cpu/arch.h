/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/arch.h: the architectures that hosts and tables are of.
 */
#pragma once

enum mig_arch { MIG_ARCH_NONE, MIG_ARCH_X86, MIG_ARCH_ARM64 };
