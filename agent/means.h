/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/means.h: what an agent does its work with, for jobs that need several
 * of them.  All borrowed; they outlive every job.
 */
#pragma once

struct mig_agent_options;
struct mig_attest;
struct mig_capturer;
struct mig_loop;
struct mig_prover;

struct mig_means {
    struct mig_loop *loop;
    const struct mig_agent_options *options;
    struct mig_capturer *capturer;
    struct mig_prover *prover;
    struct mig_attest *attest;
};
