/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/snapshot.h: what one host can grant a guest, frozen.  Made by a
 * builder (capture, import) or a decoder; const and shared from then on.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "cpu/arch.h"
#include "cpu/host.h"
#include "cpu/reg.h"

#define MIG_NAME_MAX 128 /* host name, NUL included */
#define MIG_NONCE_BYTES 32
#define MIG_DIGEST_BYTES 32

enum mig_coverage {
    MIG_COVER_NONE,       /* this kind of evidence can not know */
    MIG_COVER_UNREADABLE, /* the host was asked and failed; see errnum */
    MIG_COVER_PARTIAL,    /* only what is listed is known */
    MIG_COVER_FULL,       /* what is not listed is not there: reads as 0 */
};

/* Who says so and when; all zero in an unsigned snapshot. */
struct mig_stamp {
    char host[MIG_NAME_MAX];
    char boot_id[40];
    uint64_t sequence; /* grows with every snapshot of one boot */
    int64_t issued_at; /* seconds since the epoch, UTC */
    int64_t expires_at;
    unsigned char nonce[MIG_NONCE_BYTES];
    bool has_nonce; /* asked for by a peer: live evidence */
    bool replayed;  /* served from a file for a host that is offline */
    uint32_t table_version;
};

struct mig_entry {
    uint64_t key; /* mig_reg_key() */
    uint64_t value;
    int errnum; /* not 0: could not be read; value is 0 and means nothing */
};

/* Text evidence, sorted by name: "kernel.release", "kvm.param.kvm.enable_pmu",
 * "cmdline.mitigations", "vuln.mds", "microcode", "firmware.version",
 * "vmm.qemu", "cpu.vendor", "cpu.model-name", "import.format".  Those that
 * rules read as lists of numbers are rows of listing.def. */
struct mig_fact {
    char *name, *value, *source; /* value is NULL when errnum is not 0; source may be "" */
    int errnum;
};

struct mig_group_state {
    enum mig_coverage coverage;
    int errnum;
    char *source; /* "ioctl KVM_GET_SUPPORTED_CPUID", "Firecracker fingerprint", "" */
};

struct mig_index; /* where entries stand */

struct mig_snapshot {
    enum mig_arch arch;
    struct mig_stamp stamp;
    struct mig_entry *entries; /* sorted by key, no duplicates */
    size_t entries_len;
    struct mig_index *index; /* of @entries; NULL: they are searched */
    struct mig_fact *facts;  /* sorted by name, no duplicates */
    size_t facts_len;
    struct mig_group_state groups[MIG_GROUP_COUNT];
    bool of_guest; /* what a running guest was shown; set while it is judged */
};

enum mig_known {
    MIG_KNOWN,      /* @ret is the value */
    MIG_ABSENT,     /* covered and not there: reads as 0 */
    MIG_UNREADABLE, /* the host tried and failed */
    MIG_UNCOVERED,  /* this evidence can not know */
};

/* Set @ret to the value, or 0.  The size of a cache that is not listed is never
 * known, however complete the rest. */
enum mig_known mig_snapshot_get(const struct mig_snapshot *s, struct mig_reg reg, uint64_t *ret);

/* First entry of @space and their number; NULL and 0 if there is none. */
const struct mig_entry *mig_snapshot_space(const struct mig_snapshot *s, enum mig_space space,
                                           size_t *ret_len);

/* Value of a fact, or NULL when it is absent or unreadable. */
const char *mig_snapshot_fact(const struct mig_snapshot *s, const char *name);

/* The group whose coverage decides about @reg. */
enum mig_group mig_group_of(struct mig_reg reg);

const char *mig_arch_name(enum mig_arch arch);             /* "x86-64", "arm64", "unknown" */
const char *mig_coverage_name(enum mig_coverage coverage); /* "none", "full" ... */

/* 12 characters of leaf 0 and a NUL: "GenuineIntel". */
void mig_snapshot_vendor(const struct mig_snapshot *s, char ret[13]);

/* For those who make snapshots: find entries fast from now on.  To be done
 * again when entries come, go or move; new values need nothing. */
void mig_snapshot_make_index(struct mig_snapshot *s);

void mig_snapshot_free(struct mig_snapshot *s);
MIG_AUTO_DEFINE(mig_snapshot_free, struct mig_snapshot *);
