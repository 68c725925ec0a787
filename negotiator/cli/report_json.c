/* SPDX-License-Identifier: Apache-2.0 */
#include "report_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cpu/level.h"
#include "session/contract_file.h"
#include "snapshot/codec.h"

static void set(json_t *object, const char *key, json_t *value)
{
    MIG_ASSERT(json_object_set_new(object, key, value) == 0);
}

static void push(json_t *array, json_t *value)
{
    MIG_ASSERT(json_array_append_new(array, value) == 0);
}

/* NULL becomes null. */
static json_t *text(const char *s)
{
    return s != NULL ? json_string(s) : json_null();
}

static json_t *hex(uint64_t value)
{
    char digits[20];

    (void)snprintf(digits, sizeof digits, "0x%" PRIx64, value);
    return json_string(digits);
}

static json_t *digest(const unsigned char bytes[MIG_DIGEST_BYTES])
{
    char digits[2 * MIG_DIGEST_BYTES + 1];

    mig_text_hex(bytes, MIG_DIGEST_BYTES, digits);
    return json_string(digits);
}

static json_t *seen(struct mig_seen s)
{
    return s.known == MIG_KNOWN || s.known == MIG_ABSENT ? hex(s.value) : json_null();
}

json_t *report_json_head(const char *kind)
{
    json_t *object = json_object();

    set(object, "apiVersion", json_string("migctl/v1"));
    set(object, "kind", json_string(kind));
    return object;
}

static json_t *host(const struct mig_evidence *e)
{
    unsigned char capability[MIG_DIGEST_BYTES];
    json_t *object = json_object();

    set(object, "name", json_string(e->name));
    set(object, "kind", json_string(mig_evidence_kind_name(e->kind)));
    set(object, "age", e->age_s >= 0 ? json_integer(e->age_s) : json_null());
    if (e->snapshot == NULL) {
        set(object, "digest", json_null());
        set(object, "capabilityDigest", json_null());
        set(object, "architecture", json_null());
    } else {
        mig_snapshot_capability_digest(e->snapshot, capability);
        set(object, "digest", digest(e->digest));
        set(object, "capabilityDigest", digest(capability));
        set(object, "architecture", json_string(mig_arch_name(e->snapshot->arch)));
    }
    set(object, "format", text(e->format));
    set(object, "error", e->error.code != MIG_OK ? json_string(e->error.msg) : json_null());
    return object;
}

json_t *report_json_hosts(const struct mig_evidence *hosts, size_t len)
{
    json_t *array = json_array();

    for (size_t i = 0; i < len; i++) {
        push(array, host(&hosts[i]));
    }
    return array;
}

static json_t *registers(const struct mig_profile *p)
{
    json_t *object = json_object();

    for (size_t i = 0; i < p->words_len; i++) {
        char key[MIG_REG_TEXT_MAX];

        mig_reg_print(mig_reg_from_key(p->words[i].key), key);
        set(object, key, p->words[i].covered ? hex(p->words[i].value) : json_null());
    }
    return object;
}

/* Bits of each vector length. */
static json_t *vector_lengths(uint64_t vqs)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < 64; i++) {
        if ((vqs >> i & 1) != 0) {
            (void)json_array_append_new(list, json_integer(128 * (json_int_t)(i + 1)));
        }
    }
    return list;
}

static json_t *limits(const struct mig_profile *p)
{
    json_t *object = json_object();

    set(object, "maxphysaddr",
        p->maxphysaddr != 0 ? json_integer((json_int_t)p->maxphysaddr) : json_null());
    set(object, "tsc-khz", p->tsc_khz != 0 ? json_integer((json_int_t)p->tsc_khz) : json_null());
    set(object, "sve-vl", vector_lengths(p->sve_vqs));
    return object;
}

json_t *report_json_profile(const struct mig_profile *p)
{
    json_t *object, *features;

    if (p == NULL) {
        return json_null();
    }
    object = json_object();
    features = json_array();
    for (size_t i = 0; i < p->features_len; i++) {
        push(features, json_string(p->features[i]));
    }
    set(object, "name", json_null());
    set(object, "base", json_null());
    set(object, "toggles", json_array());
    set(object, "digest", digest(p->digest));
    set(object, "architecture", json_string(mig_arch_name(p->arch)));
    set(object, "registers", registers(p));
    set(object, "limits", limits(p));
    set(object, "level",
        p->level != MIG_LEVEL_NONE ? json_string(mig_level_name(p->level)) : json_null());
    set(object, "features", features);
    return object;
}

static json_t *names(const struct mig_finding *f)
{
    json_t *array = json_array();

    for (size_t i = 0; i < f->names_len; i++) {
        push(array, json_string(f->names[i]));
    }
    return array;
}

static json_t *finding(const struct mig_finding *f)
{
    json_t *object = json_object(), *dependants = json_array();

    for (size_t i = 0; i < f->dependants_len; i++) {
        push(dependants, json_string(f->dependants[i]));
    }
    set(object, "id", json_string(f->id));
    set(object, "names", names(f));
    set(object, "severity", json_string(mig_severity_name(f->severity)));
    set(object, "guest", seen(f->guest));
    set(object, "source", seen(f->source));
    set(object, "destination", seen(f->destination));
    set(object, "rule", text(f->rule));
    set(object, "reason", json_string(mig_reason_name(f->reason)));
    set(object, "likely", json_boolean(f->likely));
    set(object, "why", text(f->why));
    set(object, "remedy", text(f->remedy));
    set(object, "root", text(f->root));
    set(object, "dependants", dependants);
    return object;
}

json_t *report_json_findings(const struct mig_findings *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->len; i++) {
        push(array, finding(&list->items[i]));
    }
    return array;
}

static json_t *losses(const struct mig_result *r)
{
    json_t *array = json_array();

    for (size_t i = 0; i < r->losses_len; i++) {
        const struct mig_loss *l = &r->losses[i];
        json_t *object = json_object();

        set(object, "host", json_string(l->host));
        set(object, "id", json_string(l->id));
        set(object, "name", text(l->name != NULL && l->name[0] != '\0' ? l->name : NULL));
        set(object, "security", json_boolean(l->security));
        push(array, object);
    }
    return array;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void report_json_add_coverage(json_t *object, const struct mig_result *r)
{
    const char *sorted[MIG_GROUP_COUNT];
    json_t *array = json_array();
    size_t len = 0;

    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        if (r->uncovered[g]) {
            sorted[len++] = mig_group_name((enum mig_group)g);
        }
    }
    qsort(sorted, len, sizeof *sorted, compare_names);
    for (size_t i = 0; i < len; i++) {
        push(array, json_string(sorted[i]));
    }
    set(object, "coverage", json_string(r->partial || len > 0 ? "partial" : "full"));
    set(object, "uncovered", array);
}

static json_t *mismatch(const struct mig_mismatch *m)
{
    json_t *object = json_object();
    char place[MIG_REG_TEXT_MAX];

    if (m->key != UINT64_MAX) {
        mig_reg_print(mig_reg_from_key(m->key), place);
    }
    set(object, "id", text(m->key != UINT64_MAX ? place : NULL));
    set(object, "stage", json_string(mig_stage_name(m->stage)));
    set(object, "wanted", hex(m->wanted));
    set(object, "got", m->has_got ? hex(m->got) : json_null());
    set(object, "errno", text(m->errnum != 0 ? strerrorname_np(m->errnum) : NULL));
    return object;
}

static json_t *proof(const char *host, const struct mig_proof_slot *slot, bool contract)
{
    const struct mig_proof *p = &slot->proof;
    json_t *object = json_object(), *array = json_array();
    bool good = slot->error.code == MIG_OK;

    for (size_t i = 0; i < p->proven.len; i++) {
        push(array, mismatch(&p->proven.items[i]));
    }
    set(object, "host", json_string(host));
    set(object, "of", json_string(contract ? "contract" : "profile"));
    set(object, "outcome", text(good ? mig_outcome_name(p->proven.outcome) : NULL));
    set(object, "ran", json_boolean(p->proven.ran));
    set(object, "vmm", text(p->proven.vmm[0] != '\0' ? p->proven.vmm : NULL));
    set(object, "compared", json_integer(p->proven.compared));
    set(object, "mismatches", array);
    set(object, "digest", good ? digest(slot->digest) : json_null());
    set(object, "subject", good ? digest(p->subject) : json_null());
    set(object, "capability", good ? digest(p->capability) : json_null());
    set(object, "error", good ? json_null() : json_string(slot->error.msg));
    return object;
}

static json_t *proofs(const struct mig_decision *d)
{
    json_t *array = json_array();

    for (size_t i = 0; i < d->hosts_len && d->proofs != NULL; i++) {
        if (d->proofs[i].asked) {
            push(array, proof(d->hosts[i].name, &d->proofs[i], d->contract != NULL));
        }
    }
    return array;
}

static void add_rest(json_t *object, const struct mig_decision *d)
{
    report_json_add_coverage(object, &d->result);
    set(object, "profile", report_json_profile(d->result.profile));
    set(object, "findings", report_json_findings(&d->result.findings));
    set(object, "losses", losses(&d->result));
    set(object, "proofs", proofs(d));
    set(object, "hosts", report_json_hosts(d->hosts, d->hosts_len));
}

/* NULL becomes null, and so does what the contract does not say. */
static json_t *contract(const struct mig_contract_file *f)
{
    const struct mig_contract *c = f != NULL ? f->contract : NULL;
    json_t *object;

    if (f == NULL) {
        return json_null();
    }
    object = json_object();
    set(object, "vm", text(c != NULL ? c->vm : NULL));
    set(object, "instance", text(c != NULL && c->instance[0] != '\0' ? c->instance : NULL));
    set(object, "recorder", text(c != NULL && c->recorder[0] != '\0' ? c->recorder : NULL));
    set(object, "kind", json_string(mig_evidence_kind_name(f->kind)));
    set(object, "age", f->age_s >= 0 ? json_integer(f->age_s) : json_null());
    set(object, "digest", c != NULL ? digest(f->digest) : json_null());
    set(object, "format", text(f->format));
    set(object, "error", f->error.code != MIG_OK ? json_string(f->error.msg) : json_null());
    return object;
}

/* What all guests of the source could do says nothing of one that runs. */
json_t *report_json_negotiation(const struct mig_decision *d)
{
    json_t *object = report_json_head("Negotiation");
    bool running = d->contract != NULL;

    set(object, "verdict", json_string(mig_verdict_name(d->result.verdict)));
    set(object, "passthrough", text(running ? NULL : mig_verdict_name(d->result.passthrough)));
    set(object, "direction", text(running ? NULL : d->result.direction));
    set(object, "contract", contract(d->contract));
    add_rest(object, d);
    return object;
}

json_t *report_json_contract_check(const struct mig_decision *d)
{
    json_t *object = report_json_head("ContractCheck");

    set(object, "verdict", json_string(mig_verdict_name(d->result.verdict)));
    set(object, "contract", contract(d->contract));
    add_rest(object, d);
    return object;
}

json_t *report_json_baseline(const struct mig_decision *d)
{
    json_t *object = report_json_head("Baseline");

    set(object, "verdict", json_string(mig_verdict_name(d->result.verdict)));
    add_rest(object, d);
    return object;
}

json_t *report_json_difference(const struct mig_evidence *a, const struct mig_evidence *b,
                               const struct mig_findings *differences)
{
    json_t *object = report_json_head("Difference"), *hosts = json_array(), *array = json_array();

    push(hosts, host(a));
    push(hosts, host(b));
    for (size_t i = 0; i < differences->len; i++) {
        const struct mig_finding *f = &differences->items[i];
        json_t *one = json_object();

        set(one, "id", json_string(f->id));
        set(one, "names", names(f));
        set(one, "a", seen(f->source));
        set(one, "b", seen(f->destination));
        set(one, "text", text(f->why));
        push(array, one);
    }
    set(object, "same", json_boolean(differences->len == 0));
    set(object, "differences", array);
    set(object, "hosts", hosts);
    return object;
}

void report_json_print(json_t *object)
{
    (void)json_dumpf(object, stdout, JSON_INDENT(2));
    (void)fputc('\n', stdout);
    json_decref(object);
}
