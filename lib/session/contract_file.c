/* SPDX-License-Identifier: Apache-2.0 */
#include "session/contract_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "session/decision.h"
#include "session/page.h"
#include "snapshot/import.h"

#define SHORT_DIGEST_BYTES 6

static bool refuse(struct mig_contract_file *ret, const char *id)
{
    ret->refusal = id;
    return false;
}

static bool check_future(const struct mig_contract *c, int64_t now, struct mig_contract_file *ret,
                         struct mig_error *err)
{
    int64_t since = mig_contract_held_since(c),
            at = c->recorded_at > since ? c->recorded_at : since;

    if (at <= now || at - now <= MIG_CLOCK_SKEW_S) {
        return true;
    }
    (void)mig_fail(err, MIG_STALE,
                   "recorded %" PRId64 " s in the future: clock skew between this host and %s",
                   at - now, mig_contract_holder(c));
    return refuse(ret, "trust/future");
}

static int64_t age_of(const struct mig_contract *c, int64_t now)
{
    if (c->recorded_at == 0) {
        return -1;
    }
    return now > c->recorded_at ? now - c->recorded_at : 0;
}

static bool open_sealed(const struct mig_trust *trust, const struct mig_bytes *file, int64_t now,
                        struct mig_contract_file *ret, struct mig_error *err)
{
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;
    enum mig_payload_type type;

    if (mig_seal_peek(file->items, file->len, &type) && type == MIG_PAYLOAD_SNAPSHOT) {
        (void)mig_fail(err, MIG_TRUST,
                       "is a snapshot: it says what a host grants, not what a guest was shown");
        return refuse(ret, "trust/unverified");
    }
    if (trust == NULL) {
        (void)mig_fail(err, MIG_USAGE,
                       "is sealed, and only the fleet's CA can say by whom: give --ca or set ca "
                       "in migctl.conf");
        return refuse(ret, "trust/unverified");
    }
    if (!mig_seal_open(trust, MIG_PAYLOAD_CONTRACT, file->items, file->len, &payload, err) ||
        !mig_contract_decode(payload, &c, err)) {
        return refuse(ret, mig_evidence_refusal_of(err->code));
    }
    if (!check_future(c, now, ret, err)) {
        return false;
    }
    ret->kind = MIG_EVIDENCE_FILED;
    memcpy(ret->digest, payload->digest, sizeof ret->digest);
    ret->contract = mig_steal(&c);
    return true;
}

static bool read_json(const struct mig_bytes *file, int64_t now, struct mig_contract_file *ret,
                      struct mig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;

    if (!mig_contract_from_json((const char *)file->items, file->len, &c, err)) {
        return refuse(ret, mig_evidence_refusal_of(err->code));
    }
    if (!check_future(c, now, ret, err)) {
        return false;
    }
    ret->kind = MIG_EVIDENCE_UNSIGNED;
    ret->format = "contract-json";
    mig_contract_digest(c, ret->digest);
    ret->contract = mig_steal(&c);
    return true;
}

/* Formats of what a host could show, or lets a guest choose from. */
static bool is_of_host(const char *format)
{
    static const char *const formats[] = {"snapshot-json", "host-capture", "libvirt-capabilities",
                                          "libvirt-domain-capabilities", "qemu-cpu-definitions"};

    for (size_t i = 0; i < MIG_COUNT(formats); i++) {
        if (strcmp(formats[i], format) == 0) {
            return true;
        }
    }
    return false;
}

/* What the file is called, made an id. */
static void vm_of_path(const char *path, char ret[MIG_VM_ID_MAX])
{
    char name[MIG_NAME_MAX];

    mig_evidence_name_of_path(path, name);
    (void)snprintf(ret, MIG_VM_ID_MAX, "%.*s", MIG_VM_ID_MAX - 1, name);
    for (char *c = ret; *c != '\0'; c++) {
        *c = *c == ' ' || *c == '/' ? '-' : *c;
    }
}

static bool read_foreign(const char *path, const struct mig_bytes *file,
                         struct mig_contract_file *ret, struct mig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = MIG_NEW(struct mig_contract);
    const char *format;

    vm_of_path(path, c->vm);
    if (!mig_import_guest(c->vm, (const char *)file->items, file->len, &c->shown, &format, err)) {
        return refuse(ret, mig_evidence_refusal_of(err->code));
    }
    if (is_of_host(format)) {
        (void)mig_fail(err, MIG_FORMAT, "%s: says what a host grants, not what a guest was shown",
                       format);
        return refuse(ret, "trust/malformed");
    }
    if (!mig_contract_check_shown(c->shown, err)) {
        (void)mig_wrap(err, "%s", format);
        return refuse(ret, "trust/malformed");
    }
    c->shown->stamp = (struct mig_stamp){0};
    ret->kind = MIG_EVIDENCE_FOREIGN;
    ret->format = format;
    mig_contract_digest(c, ret->digest);
    ret->contract = mig_steal(&c);
    return true;
}

static bool read_any(const struct mig_trust *trust, const char *path, const struct mig_bytes *file,
                     int64_t now, struct mig_contract_file *ret, struct mig_error *err)
{
    if (mig_seal_is_envelope(file->items, file->len)) {
        return open_sealed(trust, file, now, ret, err);
    }
    if (mig_contract_is_json((const char *)file->items, file->len)) {
        return read_json(file, now, ret, err);
    }
    return read_foreign(path, file, ret, err);
}

bool mig_contract_file_read(const struct mig_trust *trust, const char *path, int64_t now,
                            struct mig_contract_file *ret, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};

    *ret = (struct mig_contract_file){.age_s = -1};
    if (!mig_file_read(path, MIG_IMPORT_BYTES_MAX, &file, err)) {
        ret->refusal = mig_evidence_refusal_of(err->code);
        ret->error = *err;
        return false;
    }
    if (!read_any(trust, path, &file, now, ret, err)) {
        (void)mig_wrap(err, "%s", strcmp(path, "-") == 0 ? "standard input" : path);
        ret->error = *err;
        return false;
    }
    ret->age_s = age_of(ret->contract, now);
    return true;
}

bool mig_contract_file_open(const struct mig_trust *trust, const char *name,
                            const struct mig_bytes *sealed, int64_t now,
                            struct mig_contract_file *ret, struct mig_error *err)
{
    *ret = (struct mig_contract_file){.age_s = -1};
    if (!open_sealed(trust, sealed, now, ret, err)) {
        (void)mig_wrap(err, "%s", name);
        ret->error = *err;
        return false;
    }
    ret->age_s = age_of(ret->contract, now);
    return true;
}

static const char *remedy_of(const char *refusal)
{
    static const struct {
        const char *id, *remedy;
    } rows[] = {
        {"trust/future",     "set both clocks by one source of time (chrony, NTP)"},
        {"trust/unverified",
         "take the contract from the host that has the guest; the CA must be the one that signed "
         "this host"                                                              },
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (strcmp(rows[i].id, refusal) == 0) {
            return rows[i].remedy;
        }
    }
    return "take the contract from the host that has the guest";
}

bool mig_contract_file_believe(const struct mig_belief *belief, const struct mig_contract_file *f,
                               struct mig_result *result)
{
    MIG_AUTO(mig_free) char *why = NULL;

    if (f->contract == NULL) {
        mig_result_distrust(result, f->refusal, f->error.msg, remedy_of(f->refusal));
        return false;
    }
    if (f->kind == MIG_EVIDENCE_FILED || (belief->allow_unsigned && !belief->live_only)) {
        return true;
    }
    why = mig_strf("contract of %s: %s, carries no signature; anyone may have written it",
                   f->contract->vm, f->format);
    mig_result_distrust(result, "trust/unsigned", why,
                        "use a sealed contract, or accept this one with --allow-unsigned");
    return false;
}

void mig_contract_file_print(const struct mig_contract_file *f, char ret[MIG_CONTRACT_LINE_MAX])
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};
    const struct mig_contract *c = f->contract;
    char age[MIG_PAGE_AGE_MAX], digest[2 * SHORT_DIGEST_BYTES + 1];

    if (c == NULL) {
        (void)snprintf(ret, MIG_CONTRACT_LINE_MAX, "guest: no contract");
        return;
    }
    mig_page_age(f->age_s, age);
    mig_text_hex(f->digest, SHORT_DIGEST_BYTES, digest);
    mig_text_addf(&t, "guest %s", c->vm);
    if (c->instance[0] != '\0') {
        mig_text_addf(&t, " instance %s", c->instance);
    }
    if (c->recorder[0] != '\0') {
        mig_text_addf(&t, ", recorded on %s", c->recorder);
    }
    mig_text_addf(&t, ", age %s, %s", age, mig_evidence_kind_name(f->kind));
    if (f->format != NULL) {
        mig_text_addf(&t, " (%s)", f->format);
    }
    mig_text_addf(&t, ", digest %s", digest);
    (void)snprintf(ret, MIG_CONTRACT_LINE_MAX, "%s", t.items);
}

void mig_contract_file_clear(struct mig_contract_file *f)
{
    mig_contract_free(f->contract);
    *f = (struct mig_contract_file){0};
}
