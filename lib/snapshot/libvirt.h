/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/libvirt.h: what libvirt's XML formats have in common: a CPU as a
 * model's name and features that it has more or less.
 */
#pragma once

#include "base/error.h"
#include "snapshot/words.h"

struct mig_builder;
struct _xmlNode; /* libxml2's xmlNode */

/* How CPUID calls a vendor that libvirt calls "AMD"; NULL: none of that name. */
const char *mig_libvirt_vendor(const char *name);

/* Add the registers that <vendor>, <model> and <feature> of @cpu make known.
 * Where definitions are missing it is mig_libvirt_leave_cpu().  @ret has the
 * words afterwards, none after a gap. */
MIG_MUST_CHECK bool mig_libvirt_add_cpu(struct mig_builder *b, const struct _xmlNode *cpu,
                                        enum mig_words_rule rule, const char *source,
                                        struct mig_words *ret, struct mig_error *err);

/* Nothing is known of CPUID, for the reason @gap, which becomes fact
 * "import.gap" and source of the group.  The vendor alone (libvirt's name or
 * NULL) is a fact: a register would make a verdict look founded. */
void mig_libvirt_leave_cpu(struct mig_builder *b, const char *vendor, const char *source,
                           const char *gap);

/* Facts libvirt.cpu.model, libvirt.cpu.features ("+aes -svm") and the like. */
MIG_MUST_CHECK bool mig_libvirt_add_names(struct mig_builder *b, const struct _xmlNode *cpu,
                                          const char *source, struct mig_error *err);

/* A fact when @text is not NULL and not empty. */
void mig_libvirt_add_fact(struct mig_builder *b, const char *name, const char *text,
                          const char *source);

/* Text of the only child @name, or NULL; the caller frees. */
MIG_MUST_CHECK bool mig_libvirt_text(const struct _xmlNode *e, const char *name, char **ret,
                                     struct mig_error *err);

/* <counter> or <timer> of the TSC: its rate in Hz to host/tsc-khz. */
MIG_MUST_CHECK bool mig_libvirt_add_tsc(struct mig_builder *b, const struct _xmlNode *tsc,
                                        const char *source, struct mig_error *err);
