/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/trial.h: the prediction (compat/settable.h) held to account by KVM on
 * the host itself: values are written to the ID registers of a vCPU that nobody
 * will run, and what it answers is compared.  Where KVM says otherwise it is
 * right, and a fact tells.
 */
#pragma once

#include "cpu/reg.h"

struct mig_builder;
struct mig_party;

/* Both give 0 or errno, as KVM_SET_ONE_REG and KVM_GET_ONE_REG do. */
typedef int mig_trial_set_fn(void *vcpu, struct mig_reg reg, uint64_t value);
typedef int mig_trial_get_fn(void *vcpu, struct mig_reg reg, uint64_t *ret);

struct mig_trial_vcpu {
    mig_trial_set_fn *set;
    mig_trial_get_fn *get;
    void *vcpu;
};

/* Adds to @b the facts kvm.oracle, how many answers there were, and
 * kvm.oracle.REGISTER for each that has answers otherwise than predicted of
 * @host.  A word that KVM takes is written back. */
void mig_trial_run(const struct mig_trial_vcpu *vcpu, const struct mig_party *host,
                   const char *source, struct mig_builder *b);
