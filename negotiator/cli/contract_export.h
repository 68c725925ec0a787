/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/contract_export.h: a contract as the arguments of a VMM.
 */
#pragma once

struct command;

/* The verb "contract export"; gives its exit status. */
int contract_export(struct command *c);
