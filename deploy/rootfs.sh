#!/usr/bin/env bash
# The image of `Dockerfile` without Docker, where no image registry is reached: the same root file system from Debian's
# packages, measured, and run as the image runs: as nobody and on a read-only root, until its health check answers and
# every page has run. As root, from the repository's root: deploy/rootfs.sh FOLDER. Prints one line of JSON.
set -euo pipefail
root=$(realpath -m "$1")
port=${PORT:-8599}
# What pip needs to reach its registry as it does here; seen inside only while it installs.
read -ra places <<<"${PIP_PLACES:-/etc/pip.conf /etc/xdg/pip /etc/ssl/certs}"

unbind() {
    for place in "${places[@]}"; do
        if mountpoint -q "$root$place"; then umount "$root$place"; fi
    done
}

if [ ! -e "$root/opt/installed" ]; then
    rm -rf "$root"
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$root" \
        "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >&2
    trap unbind EXIT
    for place in /etc/resolv.conf "${places[@]}"; do
        if [ -d "$place" ]; then
            mkdir -p "$root$place" && mount --bind "$place" "$root$place"
        elif [ -e "$place" ]; then
            cp "$place" "$root$place"
        fi
    done
    cp requirements-serve.txt deploy/slim.sh "$root/opt/"
    chroot "$root" python3 -m venv /opt/venv
    chroot "$root" /opt/venv/bin/pip install --quiet --no-cache-dir --no-compile -r /opt/requirements-serve.txt >&2
    unbind
    chroot "$root" sh -c '/opt/slim.sh /opt/venv/lib/python3*/site-packages'
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale,info}
    touch "$root/opt/installed"
fi
rm -rf "$root/app"
mkdir "$root/app"
cp -r app.py .streamlit pages ui uqcore cached_models docs "$root/app/"
find "$root/app" -name __pycache__ -prune -exec rm -rf {} +
unpacked=$(du -sm "$root" | cut -f1)
packed=$(tar -C "$root" -cf - . | gzip -6 | wc -c)

# In namespaces of its own: the root read-only, /tmp in memory, and no process outlives this.
ran=$(unshare --mount --pid --fork --kill-child bash -euo pipefail -c '
    mount --bind "$1" "$1"
    mount -o remount,bind,ro "$1"
    mount -t tmpfs tmpfs "$1/tmp"
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    inside() {
        chroot --userspec=65534:65534 "$1" env -i HOME=/tmp PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=1 \
            PATH=/opt/venv/bin:/usr/bin:/bin PYTHONPATH=/app sh -c "cd /app && exec $2"
    }
    inside "$1" "python -m streamlit run app.py --server.address=127.0.0.1 --server.port=$2" >&2 &
    server=$!
    health=none
    for _ in $(seq 100); do
        if health=$(inside "$1" "python -" 2>/dev/null <<PYTHON
import urllib.request as r
print(r.urlopen("http://127.0.0.1:$2/_stcore/health", timeout=4).read().decode())
PYTHON
        ); then break; fi
        sleep 0.3
    done
    pages=$(inside "$1" "python -" <deploy/check.py 2>/dev/null || echo failed)
    written=$(inside "$1" "touch /app/x" 2>/dev/null && echo yes || echo no)
    user=$(inside "$1" "id -u")
    kill "$server"
    echo "\"health\": \"$health\", \"pages\": \"$pages\", \"user\": $user, \"root_can_be_written\": \"$written\""
' - "$root" "$port")
echo "{\"unpacked_mb\": $unpacked, \"gzip_mb\": $((packed / 1000000)), $ran}"
