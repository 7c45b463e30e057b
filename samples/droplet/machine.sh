#!/usr/bin/env bash
# A stand-in for a VM, for root on Linux: a root file system laid over this machine's, so that nothing outside changes, in which cloud-init runs the user data.
#   machine.sh start DIRECTORY USER_DATA SSH_PORT   boots, and prints `up`; SIGKILL to this process ends the machine, and DIRECTORY must not exist yet
#   machine.sh exec PID COMMAND…                    runs a command on the machine of the process PID
set -euo pipefail

boot() {
  directory=$1 user_data=$2 port=$3 root=$1/root
  mount -t tmpfs machine "$directory"
  mkdir "$directory"/{upper,work,root}
  mount -t overlay machine -o "lowerdir=/,upperdir=$directory/upper,workdir=$directory/work" "$root"
  mount -t proc proc "$root/proc"
  # no disk of this machine is there
  mount -t tmpfs devices "$root/dev"
  for device in null zero random urandom tty full; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
  ln -s /proc/self/fd "$root/dev/fd"
  mount -t tmpfs run "$root/run"
  mount -t tmpfs tmp "$root/tmp"
  # a fresh image has neither
  rm -rf "$root/var/lib/cloud" "$root/root/secrets" "$root"/etc/ssh/ssh_host_*
  hostname "$(hostname)-droplet"
  mkdir -p "$root/seed" "$root/run/sshd" "$root/etc/cloud/cloud.cfg.d"
  cp "$user_data" "$root/seed/user-data"
  printf 'instance-id: %s\ndsmode: local\n' "${INSTANCE_ID:-1}" >"$root/seed/meta-data"
  # the modules that would change disks, users or packages are left out
  cat >"$root/etc/cloud/cloud.cfg.d/99-machine.cfg" <<CONFIG
datasource_list: [NoCloud]
datasource: {NoCloud: {seedfrom: /seed/}}
network: {config: disabled}
disable_root: false
ssh_genkeytypes: [rsa, ecdsa, ed25519]
cloud_init_modules: [write-files, ssh]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user]
CONFIG
  # what systemd starts at a boot
  chroot "$root" /bin/sh -c "
    cloud-init init --local; cloud-init init
    /usr/sbin/sshd -p $port -o ListenAddress=127.0.0.1 -E /var/log/sshd.log
    cloud-init modules --mode=config; cloud-init modules --mode=final" >"$root/var/log/boot.log" 2>&1 </dev/null
  echo up
  cd "$root"
  exec chroot . sleep infinity
}

case ${1:-} in
  start)
    mkdir "$2"
    exec unshare --mount --uts --pid --propagation private --fork --kill-child "$0" boot "${@:2}"
    ;;
  boot) boot "${@:2}" ;;
  exec)
    first=$(cut -d" " -f1 "/proc/$2/task/$2/children")
    exec nsenter --target "$first" --mount --uts --pid --root -- env -i -C /root HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${@:3}"
    ;;
  *)
    sed -n '2,4s/^# \?//p' "$0" >&2
    exit 1
    ;;
esac
