/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/cmdline.h: the switches of a kernel command line that change what
 * KVM grants a guest, as facts "cmdline.mitigations", "cmdline.kvm.ignore_msrs".
 */
#pragma once

struct mig_builder;

/* @text is /proc/cmdline; a switch without '=' has an empty value, one given
 * twice counts as the last. */
void mig_cmdline_add_facts(struct mig_builder *b, const char *text, const char *source);
