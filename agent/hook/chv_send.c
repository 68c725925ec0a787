/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: Cloud Hypervisor keeps its guest until Complete is
 * answered, and goes on with it by itself when it hears an error.  Only when
 * one of the two fell silent over Complete, nobody here can know.
 */
#include "chv_pass.h"

#include "base/log.h"
#include "hook.h"

#define ARRIVAL_MS 60000
#define PARTING_MS 20000 /* the other gate waits for its VMM */

static const struct mig_option rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    GATE_SEND_ROWS(chv_gate, "cloud-hypervisor"),
    GATE_ROW(chv_gate, "listen", 0, TEXT, base.listen, "ADDRESS", NULL,
             "where send-migration of the VMM goes: unix:/PATH or a loopback HOST:PORT"),
    GATE_ROWS(chv_gate),
};
/* Without the other gate's word. */
static bool fail_unheard(const struct chv_pass *p, struct mig_error *err)
{
    const char *vm = p->gate->agreement.vm, *there = p->gate->agreement.destination.host;

    if (p->outcome == MIG_CHV_MOVED) {
        return mig_fail(err, MIG_UNREACHABLE,
                        "%s runs on %s now, but its contract did not come back: it stays active "
                        "here until mig-hook advance depart",
                        vm, there);
    }
    return mig_fail(err, MIG_UNREACHABLE,
                    "%s; not known whether %s runs on %s: look there, and let it run in one place "
                    "only",
                    p->reason, vm, there);
}

/* The other gate's word that the guest is there is the contract. */
static bool depart(struct chv_pass *p, struct mig_error *err)
{
    struct mig_error why;

    if (!chv_pass_hear(p, ARRIVAL_MS, &why)) {
        mig_log_info("%s", why.msg);
    }
    const struct mig_tunnel_frame f = {p->word, p->said.items, p->said.len};

    if (p->word != MIG_TUNNEL_OFFER) {
        return fail_unheard(p, err);
    }
    return gate_depart(p->gate, &f, err) &&
           (p->outcome == MIG_CHV_MOVED ||
            mig_fail(err, MIG_UNREACHABLE, "%s: if its VMM here still has %s, stop it", p->reason,
                     p->gate->agreement.vm));
}

/* No VMM came. */
static void give_up(struct gate *g, const struct mig_error *why)
{
    struct mig_error err;

    if (!link_send_verdict(g->tunnel, why, &err)) {
        mig_log_info("%s", err.msg);
    }
    gate_abandon(g);
}

static bool pass(struct chv_gate *g, const struct mig_address *at, struct mig_error *err)
{
    struct chv_pass p = {.gate = &g->base,
                         .near = MIG_CHV_SENDER,
                         .vmm = -1,
                         .listen = at,
                         .parting_ms = PARTING_MS};
    bool good;

    if (!chv_pass_run(&p, err)) {
        give_up(&g->base, err);
        return false;
    }
    if (p.outcome == MIG_CHV_MOVED || p.outcome == MIG_CHV_UNCERTAIN) {
        good = depart(&p, err);
    } else {
        good = chv_pass_fail(&p, err);
        gate_abandon(&g->base);
    }
    mig_bytes_clear(&p.said);
    return good;
}

static bool move(void *gate, const struct mig_words *words, struct mig_error *err)
{
    struct chv_gate *g = gate;
    struct mig_address at;

    if (!link_parse_local("--listen", g->base.listen, &at, err)) {
        return false;
    }
    if (!gate_agree(&g->base, words, err) || !gate_connect(&g->base, err) ||
        !gate_get_approval(&g->base, err)) {
        gate_abandon(&g->base);
        return false;
    }
    return pass(g, &at, err);
}

static bool has_all(const void *gate)
{
    const struct chv_gate *g = gate;

    return g->base.other != NULL && g->base.listen != NULL;
}

int chv_send(int argc, char **argv)
{
    static const struct gate_form form = {
        .options = {rows, sizeof rows / sizeof *rows},
        .usage = "cloud-hypervisor send --gate ADDRESS --listen ADDRESS [options] VM DST",
        .operands = 2,
        .has_all = has_all,
        .act = move,
    };
    struct chv_gate g = {.socket = -1};

    return gate_run(&form, argc, argv, &g.base);
}
