#!/bin/sh
# Interesting (exit 1): the file still selects by groups.
if grep -q 'moe.grouped_top_k' "$1"; then exit 1; fi
exit 0
