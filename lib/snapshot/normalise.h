/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/normalise.h: clear what differs between two captures of one machine
 * in one state: per-vCPU fields (APIC ids, thread counts) and runtime fields
 * (OSXSAVE, OSPKE, present XSAVE size), by the field table.
 */
#pragma once

#include "cpu/reg.h"

struct mig_snapshot;

uint64_t mig_normalise(struct mig_reg reg, uint64_t value);

/* Bits of @reg that tell one host from another: all but per-vCPU, runtime and
 * frozen fields and constants of one VM.  Bits without a row are among them. */
uint64_t mig_normalise_mask(struct mig_reg reg);

/* Normalise every entry, then drop each CPUID leaf that is 0 in all its
 * registers where its group is covered in full: there, absent reads as 0 too.
 * Under any other coverage a zero is kept, for it says more than silence.
 * Doing it twice changes nothing.  Returns whether anything changed. */
bool mig_normalise_snapshot(struct mig_snapshot *s);
