#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is predicted about two hosts is what their kernels say.  All hosts and
# kernels: tests/tools/arm64-oracle without arguments.
exec "$MIG_SOURCE/tests/tools/arm64-oracle" -k 6.12 nobti neoverse-n1
