/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/normalise.h: clear what differs between two captures of one machine
 * in one state: per-vCPU fields (APIC ids, thread counts) and runtime fields
 * (OSXSAVE, OSPKE, present XSAVE size), by the field table.
 */
#pragma once

#include "cpu/reg.h"

uint64_t mig_normalise(struct mig_reg reg, uint64_t value);
