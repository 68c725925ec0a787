/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/oneshot.h"

#include <string.h>
#include <unistd.h>

#include "agent/attest.h"
#include "agent/capture.h"
#include "agent/capturer.h"
#include "agent/credentials.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/now.h"
#include "snapshot/json.h"

/* Evidence is no secret: what is in it, guests and peers see anyway. */
#define FILE_MODE 0644

static bool take(const struct mig_agent_options *o, const struct mig_credentials *creds,
                 struct mig_snapshot **ret, struct mig_error *err)
{
    if (!mig_capturer_once(o, creds, ret, err)) {
        return false;
    }
    if (o->replay == NULL) {
        (void)mig_capture_warn(*ret, o->kvm);
    }
    return true;
}

static bool write_json(const struct mig_agent_options *o, struct mig_error *err)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    MIG_AUTO(mig_free) char *json = NULL;

    if (!take(o, NULL, &s, err)) {
        return false;
    }
    json = mig_snapshot_to_json(s);
    return mig_file_write(o->output, json, strlen(json), FILE_MODE, err);
}

static bool write_sealed(const struct mig_agent_options *o, struct mig_error *err)
{
    MIG_AUTO(mig_credentials_free) struct mig_credentials *creds = NULL;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
    const struct mig_attest_terms terms = {.replayed = o->replay != NULL};
    struct mig_attest attest;

    return mig_credentials_load(o, mig_now_unix(), &creds, err) && mig_attest_init(&attest, err) &&
           take(o, creds, &s, err) &&
           mig_attest_seal(&attest, creds->key, s, &terms, &sealed, err) &&
           mig_file_write(o->output, sealed.items, sealed.len, FILE_MODE, err);
}

bool mig_oneshot_run(const struct mig_agent_options *o, struct mig_error *err)
{
    if (!o->json && strcmp(o->output, "-") == 0 && isatty(STDOUT_FILENO)) {
        return mig_fail(err, MIG_USAGE, "a sealed snapshot is not text: give -o FILE or --json");
    }
    return o->json ? write_json(o, err) : write_sealed(o, err);
}
