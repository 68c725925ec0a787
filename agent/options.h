/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/options.h: command line and configuration file of mig-agentd
 * (options.def).  Const once parsed.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

#define MIG_AGENT_CONFIG "/etc/mig/agentd.conf"
#define MIG_AGENT_LISTEN "127.0.0.1:7443"

enum mig_agent_command { MIG_AGENT_SERVE, MIG_AGENT_SNAPSHOT };

struct mig_agent_options {
    char *listen, *name;
    char *ca, *cert, *key, *crl;
    char *kvm, *replay, *policy, *contracts, *agreements, *audit, *qemu;
    uint64_t capture_timeout_ms, prove_timeout_ms, max_peers;
    bool verbose;
    char *config;
    bool check, dump_config;
    uint64_t ready_fd; /* 0: none */
    char *output;
    bool json, help, version;
    enum mig_agent_command command;
};

/* Defaults, configuration file, command line.  Without --config the default
 * file may be missing.  The caller clears @ret in both cases. */
MIG_MUST_CHECK bool mig_agent_options_parse(int argc, char **argv, struct mig_agent_options *ret,
                                            struct mig_error *err);
void mig_agent_options_help(FILE *out);
void mig_agent_options_dump(const struct mig_agent_options *o, FILE *out);
void mig_agent_options_clear(struct mig_agent_options *o);
static inline void mig_agent_options_clear_auto(struct mig_agent_options *o)
{
    mig_agent_options_clear(o);
}
