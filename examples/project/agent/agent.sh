#!/bin/sh
echo "an agent in a machine, on $(uname -s)"
