/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan/amount.h: rates as people write them.  Links are named in bits a second
 * ("10G"), memory in bytes ("400M"); a unit settles it ("1250MB", "10Gbit/s").
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define MIG_AMOUNT_MAX 24

/* Digits, perhaps a fraction, k M G T (thousands) or Ki Mi Gi Ti, bit or B, /s.
 * @bits: what it is without bit or B.  From 1 to 2^53 bytes a second. */
MIG_MUST_CHECK bool mig_amount_parse(const char *text, bool bits, uint64_t *ret_bytes);

/* "1.25 GB" */
void mig_amount_print(uint64_t bytes, char ret[MIG_AMOUNT_MAX]);
/* "1 h 5 min", "12.5 s", "300 ms" */
void mig_amount_print_ms(uint64_t ms, char ret[MIG_AMOUNT_MAX]);
