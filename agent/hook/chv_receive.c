/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: the waiting VMM is connected to before anything is
 * approved, so that a missing one is a no, and hears nothing before the source's
 * Start.  The engine has it drop what it holds before the other gate hears why.
 */
#include "chv_pass.h"

#include "base/log.h"
#include "hook.h"

#define PARTING_MS 10000
#define VMM_MS 5000

static const struct mig_option rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    GATE_RECEIVE_ROWS(chv_gate, "cloud-hypervisor"),
    GATE_ROW(chv_gate, "vmm", 0, TEXT, vmm, "ADDRESS", NULL,
             "where the VMM waits in receive-migration: unix:/PATH or a loopback HOST:PORT"),
    GATE_ROWS(chv_gate),
};
static bool approve(void *data, struct mig_error *err)
{
    struct chv_gate *g = data;
    bool good = gate_take_offer(&g->base, err);

    if (good && !link_dial(&g->to, VMM_MS, &g->socket, err)) {
        good = mig_wrap(err, "no VMM waits in receive-migration");
    }
    return gate_answer_offer(&g->base, good, err);
}

static bool prepare_again(void *data, struct mig_error *err __attribute__((unused)))
{
    struct chv_gate *g = data;

    mig_fd_close(g->socket);
    g->socket = -1;
    return true;
}

static bool pass(struct chv_gate *g, struct mig_error *err)
{
    struct chv_pass p = {
        .gate = &g->base, .near = MIG_CHV_RECEIVER, .vmm = g->socket, .parting_ms = PARTING_MS};
    bool good = chv_pass_run(&p, err);

    g->socket = -1;
    if (good && p.handed_over) {
        good = gate_complete(&g->base, err);
    } else if (good && p.outcome == MIG_CHV_UNCERTAIN) {
        good = mig_fail(err, MIG_UNREACHABLE,
                        "%s; look whether %s runs here, and let it run in one place only", p.reason,
                        g->base.agreement.vm);
    } else {
        good = good && chv_pass_fail(&p, err);
        gate_abandon(&g->base);
    }
    mig_bytes_clear(&p.said);
    return good;
}

static bool serve(void *gate, const struct mig_words *words __attribute__((unused)),
                  struct mig_error *err)
{
    struct chv_gate *g = gate;

    return link_parse_local("--vmm", g->vmm, &g->to, err) &&
           gate_await(&g->base, approve, prepare_again, g, err) && pass(g, err);
}

static bool has_all(const void *gate)
{
    const struct chv_gate *g = gate;

    return g->base.listen != NULL && g->vmm != NULL;
}

static void hang_up(void *gate)
{
    mig_fd_close(((struct chv_gate *)gate)->socket);
}

int chv_receive(int argc, char **argv)
{
    static const struct gate_form form = {
        .options = {rows, sizeof rows / sizeof *rows},
        .usage = "cloud-hypervisor receive --listen ADDRESS --vmm ADDRESS [options]",
        .has_all = has_all,
        .act = serve,
        .end = hang_up,
    };
    struct chv_gate g = {.socket = -1};

    return gate_run(&form, argc, argv, &g.base);
}
