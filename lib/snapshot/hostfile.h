/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/hostfile.h: facts in the text of one file below /proc or /sys, by
 * the names of snapshot/snapshot.h; other files say nothing.
 */
#pragma once

struct mig_builder;

/* /proc/cmdline, /proc/cpuinfo (first CPU), module parameters, vulnerabilities
 * and firmware; @path is the source of each fact. */
void mig_hostfile_add_facts(struct mig_builder *b, const char *path, const char *text);
