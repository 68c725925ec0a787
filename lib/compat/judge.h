/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/judge.h: what mig_judge() (compat/negotiate.h) calls movable, for the
 * guest that is given all that can move.  Private to this room.
 */
#pragma once

#include "cpu/reg.h"

/* @value of @reg without the unclassified bits that block everywhere. */
uint64_t mig_judge_movable(struct mig_reg reg, uint64_t value);
