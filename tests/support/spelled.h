/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/spelled.h: bytes as a test spells them, in words between spaces:
 * "4:0x7e" a number of four bytes, high byte first; ".ram" one byte of length
 * and the text; "=text" the text alone; "#00ff" hex; "*9" nine zero bytes.
 */
#pragma once

#include "base/file.h"

/* The caller clears; a word that is none of these fails the test. */
struct mig_bytes spelled(const char *words);
