/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/contract_sheet.h: a contract, and lists of them, for people.
 */
#pragma once

#include "session/contract_file.h"
#include "session/report_text.h"

struct mig_store_list;

/* Who, where and since when, and what that stands on. */
void contract_sheet_identity(const struct mig_report *r, const struct mig_contract_file *f);

/* All of it. */
void contract_sheet(const struct mig_report *r, const struct mig_contract_file *f);

/* One line per contract; what is wrong with one stands below it. */
void contract_sheet_list(const struct mig_report *r, const struct mig_store_list *list,
                         int64_t now);
