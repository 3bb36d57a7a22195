# Sourced by judges that act as an NCP-B: starts the demo's nodes in a folder of their own, says where they are, and
# ends them with the script.
demo_dir=$(mktemp -d)
"$KONFIDO_BIN" demo --dir "$demo_dir" >"$demo_dir/out" 2>"$demo_dir/err" &
demo_pid=$!
trap 'kill -INT $demo_pid 2>/dev/null; wait $demo_pid 2>/dev/null; rm -rf "$demo_dir"' EXIT
for _ in $(seq 300); do
  demo_address=$(sed -n "s/^Italy's NCP-A stays at \([0-9.:]*\) until.*/\1/p" "$demo_dir/err")
  [ -n "$demo_address" ] && break
  kill -0 $demo_pid 2>/dev/null || { cat "$demo_dir/out" "$demo_dir/err"; exit 1; }
  sleep 0.2
done
[ -n "$demo_address" ] || { echo "the demo's nodes did not come up"; exit 1; }
demo_base="https://localhost:${demo_address##*:}/services"
# The arguments that every NCP-B of this folder takes.
ncp_b=(
  --xcpd "$demo_base/XCPD_Service" --xca "$demo_base/XCA_Service"
  --tls-key "$demo_dir/pki/dk/tls-client.key" --tls-cert "$demo_dir/pki/dk/tls-client.pem"
  --sig-key "$demo_dir/pki/dk/signing-rsa.key" --sig-cert "$demo_dir/pki/dk/signing-rsa.pem"
  --trust "$demo_dir/pki/it/root.pem" --country DK --home-a 2.999.380 --home-b 2.999.208
  --patient-root 2.999.380.1 --patient-extension SYN-0001
)
