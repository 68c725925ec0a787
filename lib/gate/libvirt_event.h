/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/libvirt_event.h: which of the moments that libvirt calls its hook at the
 * gate acts on.  All others pass without a look.
 */
#pragma once

enum mig_libvirt_event {
    MIG_LIBVIRT_IGNORE,
    MIG_LIBVIRT_ADMIT,   /* a guest is to come here: without an agreement it does not */
    MIG_LIBVIRT_START,   /* of a guest that is to come: its CPU must be the contract's */
    MIG_LIBVIRT_STARTED, /* likewise, and of any other guest: record its contract */
    MIG_LIBVIRT_RESTORE, /* was it shown what its contract says? */
    MIG_LIBVIRT_EVENT_COUNT
};

enum mig_libvirt_event mig_libvirt_event_find(const char *operation, const char *sub);
