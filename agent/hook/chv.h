/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chv.h: the two gates of a guest of Cloud Hypervisor.  Each runs the engine of
 * gate/chv_proxy.h between its VMM and the tunnel, so that each sees all of the
 * stream, and each VMM is told properly when the other gate is gone.
 *
 *   send                             receive
 *     agree (its agent)
 *     connect, OFFER       ------->    is it ours to take, does a VMM wait,
 *                                      approve (its agent)
 *                          <-------    VERDICT
 *     approve (its agent)
 *     VMM: send-migration
 *     Config is judged     ------->    and once more
 *     memory               ------->
 *     State is judged      ------->    and once more; switch (its agent)
 *     Complete             ------->    complete (its agent)
 *     depart (its agent)   <-------    OFFER: the contract, signed there
 *
 * If it comes to nothing, both say why with a VERDICT.
 */
#pragma once

#include "gate.h"

struct chv_gate {
    struct gate base; /* first */
    char *vmm;        /* receive: where the VMM waits */
    struct mig_address to;
    int socket; /* there; -1: none */
};
