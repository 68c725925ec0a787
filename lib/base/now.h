/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/now.h: the only place that reads a clock; pure code takes time as a
 * parameter.
 */
#pragma once

#include <stdint.h>

/* Milliseconds of a clock that only moves forward. */
uint64_t mig_now_ms(void);

/* Seconds since the epoch, UTC. */
int64_t mig_now_unix(void);
