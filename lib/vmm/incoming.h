/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/incoming.h: is the QEMU that waits for a guest (-incoming) the one that
 * its contract asks for?  Asked over QMP, and looked at from inside a scratch
 * guest that is like it.
 */
#pragma once

#include "compat/finding.h"
#include "vmm/record.h"

/* Adds a blocker for each thing that is not as @c tells: every register of the
 * CPU, number and arrangement of vCPUs, machine type, accelerator, UUID.
 * Nothing added: it shows what the guest was shown.  @recorder: timeout and
 * program alone count. */
MIG_MUST_CHECK bool mig_qemu_check_incoming(const struct mig_recorder *recorder, const char *socket,
                                            const struct mig_contract *c, struct mig_findings *ret,
                                            struct mig_error *err);

/* The same of a domain that libvirt started for a guest; @xml as it gives it to
 * its hook.  libvirt keeps QMP to itself: see mig_libvirt_record(). */
MIG_MUST_CHECK bool mig_libvirt_check_incoming(const struct mig_recorder *recorder, const char *xml,
                                               size_t len, const struct mig_contract *c,
                                               struct mig_findings *ret, struct mig_error *err);

/* For the source's ears: three of @list by name, all in the log.  Always false. */
bool mig_incoming_refuse(const struct mig_findings *list, struct mig_error *err);
