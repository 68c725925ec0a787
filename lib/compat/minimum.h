/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/minimum.h: is the common profile as good as what is asked for?
 */
#pragma once

#include "compat/negotiate.h"

/* False when @minimum asks for levels, and for none of @arch. */
MIG_MUST_CHECK bool mig_minimum_fits(uint32_t minimum, enum mig_arch arch, struct mig_error *err);

/* What becomes of @verdict by the minimum; adds "policy/minimum" when the
 * profile of @r is below it, or can not be known to reach it. */
enum mig_verdict mig_minimum_check(const struct mig_party *parties, size_t len, uint32_t minimum,
                                   enum mig_verdict verdict, struct mig_result *r);
