#!/bin/sh
# Takes out of a folder of installed packages what no server needs: tests, headers, maps of scripts, parts never imported.
# `check.py` says whether what is left is enough.
set -eu
cd "$1"
find . -depth -type d \( -name tests -o -name __pycache__ -o -name include \) -exec rm -rf {} +
find . -type f \( -name '*.map' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.h' \) -delete
rm -rf plotly/labextension pydeck/nbextension
rm -f pyarrow/libarrow_flight.so* pyarrow/libarrow_python_flight.so* pyarrow/_flight.*.so
rm -rf pip pip-*.dist-info setuptools setuptools-*.dist-info pkg_resources # nothing is installed any more
