/* SPDX-License-Identifier: Apache-2.0 */
/* Events as bytes: what happens where, how much of the input comes with it.
 * Whatever they are, no memory goes by before a judgement, and it ends once all
 * connections have. */
#include <stdint.h>

#include "gate/chv_proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct mig_chv_proxy *proxy;
    bool asked, judged, finished;
    unsigned lanes;
};

static void drain(struct world *w)
{
    struct mig_chv_action a;

    while (mig_chv_proxy_next(w->proxy, &a)) {
        MIG_ASSERT(!w->finished);
        w->asked = w->asked || a.act == MIG_CHV_JUDGE_CONFIG || a.act == MIG_CHV_JUDGE_STATE;
        w->finished = a.act == MIG_CHV_FINISH;
    }
    MIG_ASSERT(w->judged || mig_chv_proxy_memory(w->proxy) == 0);
}

static void judge(struct world *w, bool good)
{
    if (good && w->asked) {
        w->judged = true;
        mig_chv_proxy_approve(w->proxy);
    } else if (!good) {
        (void)mig_chv_proxy_refuse(w->proxy, "no");
    }
    w->asked = false;
}

static void happen(struct world *w, uint8_t what, const uint8_t *bytes, size_t len)
{
    unsigned lane = (what >> 4) % w->lanes;
    enum mig_chv_side side = (what & 8) != 0 ? MIG_CHV_RECEIVER : MIG_CHV_SENDER;

    switch (what & 7) {
    case 0:
        mig_chv_proxy_end(w->proxy, lane, side);
        break;
    case 1:
        w->lanes += mig_chv_proxy_accept(w->proxy) != MIG_CHV_NO_LANE ? 1 : 0;
        break;
    case 2:
        judge(w, side == MIG_CHV_SENDER);
        break;
    default:
        mig_chv_proxy_take(w->proxy, lane, side, bytes, len, -1);
    }
    drain(w);
}

/* The first byte of each piece says what happens, two more how long it is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.proxy = mig_chv_proxy_new(), .lanes = 1};

    while (size >= 3) {
        size_t len = data[1] | (size_t)data[2] << 8;

        len = len < size - 3 ? len : size - 3;
        happen(&w, data[0], data + 3, len);
        data += 3 + len;
        size -= 3 + len;
    }
    for (unsigned lane = 0; lane < w.lanes; lane++) {
        mig_chv_proxy_end(w.proxy, lane, MIG_CHV_SENDER);
        drain(&w);
        mig_chv_proxy_end(w.proxy, lane, MIG_CHV_RECEIVER);
        drain(&w);
    }
    mig_chv_proxy_end(w.proxy, MIG_CHV_MAIN_LANE, MIG_CHV_RECEIVER);
    drain(&w);
    MIG_ASSERT(w.finished);
    mig_chv_proxy_free(w.proxy);
    return 0;
}
