/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/serve.h"

#include <malloc.h>
#include <signal.h>

#include "agent/capturer.h"
#include "agent/credentials.h"
#include "agent/notify.h"
#include "agent/sandbox.h"
#include "agent/service.h"
#include "base/log.h"
#include "base/now.h"
#include "wire/loop.h"

struct daemon {
    const struct mig_agent_options *options;
    struct mig_loop *loop;
    struct mig_capturer *capturer;
    struct mig_credentials *creds;
    struct mig_service *service;
    struct mig_watch *signals[3];
};

static void on_end(int signo __attribute__((unused)), void *data)
{
    const struct daemon *d = data;

    mig_log_info("ending");
    mig_loop_stop(d->loop);
}

/* What can not be read again stays as it is. */
static void on_hangup(int signo __attribute__((unused)), void *data)
{
    struct daemon *d = data;
    struct mig_credentials *fresh = NULL;
    struct mig_error err;

    if (mig_credentials_load(d->options, mig_now_unix(), &fresh, &err)) {
        mig_service_use(d->service, fresh);
        mig_credentials_free(d->creds);
        d->creds = fresh;
        mig_log_info("keys and certificates read again");
    } else {
        mig_log_error("keys stay as they were: %s", err.msg);
    }
    if (mig_capturer_read_policy(d->capturer, &err)) {
        mig_log_info("policy read again");
    } else {
        mig_log_error("policy stays as it was: %s", err.msg);
    }
    if (mig_capturer_replays(d->capturer)) {
        if (mig_capturer_prepare(d->capturer, d->creds, &err)) {
            mig_log_info("%s read again", d->options->replay);
        } else {
            mig_log_error("snapshot to replay stays as it was: %s", err.msg);
        }
    }
}

static bool prepare(struct daemon *d, struct mig_error *err)
{
    d->loop = mig_loop_new();
    d->capturer = mig_capturer_new(d->loop, d->options);
    return mig_credentials_load(d->options, mig_now_unix(), &d->creds, err) &&
           mig_capturer_read_policy(d->capturer, err) &&
           mig_capturer_prepare(d->capturer, d->creds, err) &&
           mig_service_new(d->loop, d->options, d->capturer, d->creds, &d->service, err) &&
           mig_service_listen(d->service, err) && mig_sandbox_enter(err);
}

static void clear(struct daemon *d)
{
    for (size_t i = 0; i < sizeof d->signals / sizeof *d->signals; i++) {
        mig_watch_free(d->signals[i]);
    }
    mig_service_free(d->service);
    mig_capturer_free(d->capturer);
    mig_credentials_free(d->creds);
    mig_loop_free(d->loop);
}

bool mig_serve_run(const struct mig_agent_options *o, struct mig_error *err)
{
    struct daemon d = {.options = o};
    bool good = prepare(&d, err);

    if (good) {
        d.signals[0] = mig_loop_signal(d.loop, SIGTERM, on_end, &d);
        d.signals[1] = mig_loop_signal(d.loop, SIGINT, on_end, &d);
        d.signals[2] = mig_loop_signal(d.loop, SIGHUP, on_hangup, &d);
        (void)malloc_trim(0); /* from here on mostly at rest */
        mig_notify_ready((int)o->ready_fd);
        good = mig_loop_run(d.loop) || mig_fail(err, MIG_INTERNAL, "event loop broke");
    }
    clear(&d);
    return good;
}
