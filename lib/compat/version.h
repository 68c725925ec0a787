/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/version.h: which of two versions is the later one.  Text is what a
 * host says: "10.0.2", "1:7.2+dfsg-7", "6.12.107+deb12-amd64", "v52.0",
 * "QEMU emulator version 9.1.0 (qemu-kvm-9.1.0-15.el9)", "0xd000421".
 *
 * Only the upstream number counts: a distribution's epoch and build say
 * nothing about it.  "10.0" is "10.0.0"; what stands before a release
 * ("6.13-rc1", "10.0.0~rc2", "1.16.0-dev") is earlier than it.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

#define MIG_VERSION_PARTS 6

struct mig_version {
    uint64_t part[MIG_VERSION_PARTS]; /* missing ones are 0 */
    bool before;                      /* a candidate for that release */
};

/* The first version that @text names; false when it names none, or is NULL. */
MIG_MUST_CHECK bool mig_version_parse(const char *text, struct mig_version *ret);

/* < 0, 0, > 0 as @a is earlier, equal, later.  No version is earlier than all. */
int mig_version_compare(const char *a, const char *b);
