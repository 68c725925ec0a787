/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include <unistd.h>

#include "agent/attest.h"
#include "base/alloc.h"
#include "base/now.h"
#include "cpu/field.h"
#include "seal/key.h"
#include "session/evidence.h"
#include "snapshot/builder.h"
#include "support/fleet.h"

static const unsigned char nonce[MIG_NONCE_BYTES] = "thirty-two bytes of some asker";
static const unsigned char other[MIG_NONCE_BYTES] = "thirty-two bytes of another one";

static struct mig_snapshot *small_snapshot(void)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    mig_builder_set(b, mig_reg_cpuid(0, 0, MIG_EBX), 0x756e6547);
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, "test");
    check_done("freeze", mig_builder_freeze(b, &s, &err), &err);
    return s;
}

CHECK_TEST(a_sealed_snapshot_is_what_its_terms_say)
{
    static const struct {
        const char *label;
        struct mig_attest_terms terms;
        const unsigned char *asked;
        enum mig_evidence_kind kind; /* NONE: refused */
        int64_t lasts_s;
    } cases[] = {
        {"asked for",                  {nonce, false}, nonce, MIG_EVIDENCE_LIVE,     MIG_LIVE_EXPIRY_S        },
        {"asked for, from a file",     {nonce, true},  nonce, MIG_EVIDENCE_REPLAYED, MIG_LIVE_EXPIRY_S        },
        {"not asked for",              {NULL, false},  NULL,  MIG_EVIDENCE_FILED,    MIG_ATTEST_FILED_EXPIRY_S},
        {"not asked for, from a file",
         {NULL, true},
         NULL,                                                MIG_EVIDENCE_REPLAYED,
         MIG_ATTEST_FILED_EXPIRY_S                                                                            },
        {"asked for by another",       {other, false}, nonce, MIG_EVIDENCE_NONE,     0                        },
        {"filed, but live is wanted",  {NULL, false},  nonce, MIG_EVIDENCE_NONE,     0                        },
    };
    struct fleet *fleet = fleet_new();
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_snapshot();
    struct mig_trust *trust;
    struct mig_attest attest;
    struct mig_error err;
    struct mig_key *key;

    fleet_issue(fleet, MIG_ROLE_AGENT, "alpha", 0, 0);
    key = fleet_key(fleet, "alpha");
    trust = fleet_trust(fleet, true);
    check_done("boot", mig_attest_init(&attest, &err), &err);
    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
        struct mig_evidence e = {0};
        bool opened;

        check_done(c->label, mig_attest_seal(&attest, key, s, &c->terms, &sealed, &err), &err);
        opened = mig_evidence_open(trust, sealed.items, sealed.len, c->asked, "alpha",
                                   mig_now_unix(), &e, &err);
        check_number(c->label, c->kind != MIG_EVIDENCE_NONE, opened);
        if (opened) {
            const struct mig_stamp *stamp = &e.snapshot->stamp;

            check_number(c->label, c->kind, e.kind);
            check_text(c->label, "alpha", stamp->host);
            check_text(c->label, attest.boot_id, stamp->boot_id);
            check_number(c->label, 36, strlen(stamp->boot_id));
            check_number(c->label, MIG_TABLE_VERSION, stamp->table_version);
            check_number(c->label, (uint64_t)c->lasts_s,
                         (uint64_t)(stamp->expires_at - stamp->issued_at));
        }
        mig_evidence_clear(&e);
    }
    mig_key_free(key);
    mig_trust_free(trust);
    fleet_free(fleet);
}

CHECK_TEST(sequences_grow_within_a_boot_and_across_a_restart)
{
    struct fleet *fleet = fleet_new();
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_snapshot();
    const struct mig_attest_terms terms = {0};
    struct mig_error err;
    struct mig_key *key;
    uint64_t last = 0;

    fleet_issue(fleet, MIG_ROLE_AGENT, "alpha", 0, 0);
    key = fleet_key(fleet, "alpha");
    for (int restart = 0; restart < 2; restart++) {
        struct mig_attest attest;

        check_done("boot", mig_attest_init(&attest, &err), &err);
        for (int i = 0; i < 20; i++) {
            MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};

            check_done("seal", mig_attest_seal(&attest, key, s, &terms, &sealed, &err), &err);
            check_true("grows", attest.sequence > last);
            last = attest.sequence;
        }
        (void)usleep(2000); /* no agent restarts within a millisecond */
    }
    mig_key_free(key);
    fleet_free(fleet);
}

CHECK_MAIN(cmocka_unit_test(a_sealed_snapshot_is_what_its_terms_say),
           cmocka_unit_test(sequences_grow_within_a_boot_and_across_a_restart))
