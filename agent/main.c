/* SPDX-License-Identifier: Apache-2.0 */
/* mig-agentd: one per host; captures, signs, serves. */
#include <stdio.h>

#include "agent/check.h"
#include "agent/oneshot.h"
#include "agent/options.h"
#include "agent/serve.h"
#include "base/cleanup.h"
#include "base/log.h"

static int end_with(const struct mig_error *err)
{
    mig_log_error("%s", err->msg);
    return mig_error_exit_status(err->code);
}

int main(int argc, char **argv)
{
    MIG_AUTO(mig_agent_options_clear) struct mig_agent_options o;
    struct mig_error err = {0};

    /* options */
    mig_log_init("mig-agentd", MIG_LOG_INFO);
    if (!mig_agent_options_parse(argc, argv, &o, &err)) {
        return end_with(&err);
    }
    mig_log_init("mig-agentd", o.verbose ? MIG_LOG_DEBUG : MIG_LOG_INFO);

    /* questions about ourselves */
    if (o.help) {
        mig_agent_options_help(stdout);
        return 0;
    }
    if (o.version) {
        (void)puts("mig-agentd " MIG_VERSION);
        return 0;
    }
    if (o.dump_config) {
        mig_agent_options_dump(&o, stdout);
        return 0;
    }
    if (o.check) {
        return mig_check_run(&o, stdout) ? 0 : 2;
    }

    /* one capture, or serve until told to end */
    if (o.command == MIG_AGENT_SNAPSHOT) {
        return mig_oneshot_run(&o, &err) ? 0 : end_with(&err);
    }
    return mig_serve_run(&o, &err) ? 0 : end_with(&err);
}
