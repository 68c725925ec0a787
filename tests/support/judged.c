/* SPDX-License-Identifier: Apache-2.0 */
#include "support/judged.h"

#include "base/cleanup.h"
#include "support/check.h"
#include "support/small_host.h"

static const struct mig_choice choice;

void judged(const struct mig_snapshot *guest, const struct mig_snapshot *host,
            struct mig_findings *ret)
{
    struct mig_party g = {"guest", guest}, h = {"host", host};
    struct mig_findings weighed = {.silent = true};

    *ret = (struct mig_findings){0};
    mig_judge(&g, &h, &choice, ret);
    mig_judge(&g, &h, &choice, &weighed);
    check_text("weighed alike", mig_severity_name(mig_findings_worst(ret)),
               mig_severity_name(weighed.worst));
    check_number("without words", 0, weighed.len);
    mig_findings_clear(&weighed);
}

const char *judged_severity(const struct mig_findings *list, const char *id)
{
    const struct mig_finding *f = mig_findings_find(list, id);

    return f != NULL ? mig_severity_name(f->severity) : "";
}

void judged_check(const char *label, const char *guest, const char *host, const char *id,
                  const char *severity)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *g = small_host(guest);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *h = small_host(host);
    struct mig_findings findings;

    judged(g, h, &findings);
    check_text(label, severity, judged_severity(&findings, id));
    for (size_t i = 0; i < findings.len; i++) {
        check_true(label, findings.items[i].why != NULL);
    }
    mig_findings_clear(&findings);
}
