/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "libmig/failure.h"
#include "libmig/handles.h"

#define FLAGS                                                                                      \
    (LIBMIG_JUDGE_ACCEPT_FILED | LIBMIG_JUDGE_ACCEPT_UNSIGNED | LIBMIG_JUDGE_SECURITY_WARNS |      \
     LIBMIG_JUDGE_REQUIRE_COMPLETE)

static_assert((int)LIBMIG_NOTE == (int)MIG_NOTE && (int)LIBMIG_WARNING == (int)MIG_WARNING &&
                  (int)LIBMIG_SECURITY == (int)MIG_SECURITY &&
                  (int)LIBMIG_BLOCKER == (int)MIG_BLOCKER,
              "severities go out as they are");

static void distrust(struct mig_result *r, const char *id, const char *remedy, char *why)
{
    mig_result_distrust(r, id, why, remedy);
    mig_free(why);
}

static void believe_contract(const struct libmig_contract *c, uint32_t flags, struct mig_result *r)
{
    if (c->evidence == LIBMIG_EVIDENCE_UNSIGNED && (flags & LIBMIG_JUDGE_ACCEPT_UNSIGNED) == 0) {
        distrust(r, "trust/unsigned", "use a sealed contract",
                 mig_strf("contract of %s carries no signature; anyone may have written it",
                          c->contract->vm));
    }
}

static void believe_host(const struct libmig_host *h, uint32_t flags, struct mig_result *r)
{
    bool is_signed = h->evidence != LIBMIG_EVIDENCE_UNSIGNED;

    if (!is_signed && (flags & LIBMIG_JUDGE_ACCEPT_UNSIGNED) == 0) {
        distrust(
            r, "trust/unsigned", "use a sealed snapshot",
            mig_strf("%s: evidence carries no signature; anyone may have written it", h->name));
    }
    if (is_signed && h->evidence != LIBMIG_EVIDENCE_LIVE &&
        (flags & LIBMIG_JUDGE_ACCEPT_FILED) == 0) {
        distrust(r, "trust/not-live", "ask the agent that runs on the host itself",
                 mig_strf("%s: filed or replayed evidence tells of another time", h->name));
    }
}

int libmig_judge(const struct libmig_contract *contract, const struct libmig_host *source,
                 const struct libmig_host *destination, uint32_t flags, struct libmig_verdict **ret,
                 struct libmig_error *err)
{
    const struct mig_party guest = {contract->contract->vm, contract->contract->shown};
    const struct mig_party to = {destination->name, destination->snapshot};
    const struct mig_party from = {source != NULL ? source->name : "",
                                   source != NULL ? source->snapshot : NULL};
    const struct mig_choice choice = {
        .security_warns = (flags & LIBMIG_JUDGE_SECURITY_WARNS) != 0,
        .require_complete = (flags & LIBMIG_JUDGE_REQUIRE_COMPLETE) != 0,
    };
    const char *holder = mig_contract_holder(contract->contract);
    struct libmig_verdict *v;

    /* What fails on the source too is forgiven: it had better be the source. */
    if (source != NULL && holder[0] != '\0' && strcmp(holder, source->name) != 0) {
        return mig_failure_say(err, LIBMIG_ERROR_USAGE,
                               "source is '%s', by its contract guest '%s' is on '%s'",
                               source->name, contract->contract->vm, holder);
    }
    if ((flags & ~(uint32_t)FLAGS) != 0) {
        return mig_failure_say(err, LIBMIG_ERROR_USAGE, "flags 0x%x: not all are known", flags);
    }
    v = MIG_NEW(struct libmig_verdict);
    mig_check_contract(&guest, source != NULL ? &from : NULL, &to, &choice, &v->result);
    believe_contract(contract, flags, &v->result);
    if (source != NULL) {
        believe_host(source, flags, &v->result);
    }
    believe_host(destination, flags, &v->result);
    *ret = v;
    return mig_failure_none(err);
}

int libmig_verdict_answer(const struct libmig_verdict *verdict)
{
    static const enum libmig_answer answers[MIG_VERDICT_COUNT] = {
        [MIG_COMPATIBLE] = LIBMIG_COMPATIBLE,
        [MIG_COMPATIBLE_MASKED] = LIBMIG_COMPATIBLE_MASKED,
        [MIG_COMPATIBLE_ON_PROFILE] = LIBMIG_NEEDS_POWER_CYCLE, /* no answer about a contract */
        [MIG_NEEDS_POWER_CYCLE] = LIBMIG_NEEDS_POWER_CYCLE,
        [MIG_INCOMPATIBLE] = LIBMIG_INCOMPATIBLE,
        [MIG_UNKNOWN] = LIBMIG_UNKNOWN,
    };

    return (int)answers[verdict->result.verdict];
}

const char *libmig_verdict_name(const struct libmig_verdict *verdict)
{
    return mig_verdict_name(verdict->result.verdict);
}

int libmig_verdict_allows(const struct libmig_verdict *verdict)
{
    int answer = libmig_verdict_answer(verdict);

    return answer == LIBMIG_COMPATIBLE || answer == LIBMIG_COMPATIBLE_MASKED ? 1 : 0;
}

size_t libmig_verdict_findings(const struct libmig_verdict *verdict)
{
    return verdict->result.findings.len;
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static struct libmig_seen seen(struct mig_seen s)
{
    bool known = s.known == MIG_KNOWN || s.known == MIG_ABSENT;

    return (struct libmig_seen){.value = known ? s.value : 0, .known = known ? 1 : 0};
}

int libmig_verdict_finding(const struct libmig_verdict *verdict, size_t index,
                           struct libmig_finding *ret, struct libmig_error *err)
{
    const struct mig_findings *list = &verdict->result.findings;
    const struct mig_finding *f;

    if (index >= list->len) {
        return mig_failure_say(err, LIBMIG_ERROR_MISSING, "there are %zu findings", list->len);
    }
    f = &list->items[index];
    *ret = (struct libmig_finding){
        .id = f->id,
        .name = f->names_len > 0 ? f->names[0] : "",
        .rule = or_empty(f->rule),
        .reason = mig_reason_name(f->reason),
        .why = or_empty(f->why),
        .remedy = or_empty(f->remedy),
        .root = or_empty(f->root),
        .guest = seen(f->guest),
        .source = seen(f->source),
        .destination = seen(f->destination),
        .severity = (int32_t)f->severity,
    };
    return mig_failure_none(err);
}

void libmig_verdict_free(struct libmig_verdict *verdict)
{
    if (verdict != NULL) {
        mig_result_clear(&verdict->result);
        mig_free(verdict);
    }
}
