#!/bin/sh
# Makes the certificates of the tests, valid for a hundred years, so that nothing has to be made when tests run.
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$scratch/$1.key"; }
written() { { echo "Test material: this protects nothing."; cat "$@"; } > "$target"; }

key authority
openssl req -new -key "$scratch/authority.key" -subj "/CN=Authority of the tests" -out "$scratch/authority.csr"
printf '%s\n' "basicConstraints=critical,CA:TRUE" "keyUsage=critical,keyCertSign,cRLSign" "subjectKeyIdentifier=hash" \
    > "$scratch/authority.ext"

signed() { # name, validity, subject alternative names
    key "$1"
    openssl req -new -key "$scratch/$1.key" -subj "/CN=localhost" -out "$scratch/$1.csr"
    printf '%s\n' "basicConstraints=critical,CA:FALSE" "keyUsage=critical,digitalSignature" \
        "extendedKeyUsage=serverAuth" "subjectKeyIdentifier=hash" "authorityKeyIdentifier=keyid" > "$scratch/$1.ext"
    [ -z "$3" ] || echo "subjectAltName=$3" >> "$scratch/$1.ext"
    # shellcheck disable=SC2086
    openssl ca -batch -notext -config "$scratch/ca.conf" -in "$scratch/$1.csr" -extfile "$scratch/$1.ext" $2 \
        -out "$scratch/$1.crt"
    target="$1.pem" written "$scratch/$1.crt" "$scratch/$1.key"
}

cat > "$scratch/ca.conf" <<CONF
[ca]
default_ca = here
[here]
database = $scratch/index
rand_serial = yes
new_certs_dir = $scratch
default_md = sha256
policy = any
certificate = $scratch/authority.crt
private_key = $scratch/authority.key
unique_subject = no
[any]
commonName = supplied
CONF
: > "$scratch/index"
START=20240101000000Z END=21240101000000Z
openssl ca -batch -notext -selfsign -config "$scratch/ca.conf" -keyfile "$scratch/authority.key" \
    -in "$scratch/authority.csr" -extfile "$scratch/authority.ext" -startdate "$START" -enddate "$END" \
    -out "$scratch/authority.crt"
target=authority.pem written "$scratch/authority.crt"

ALWAYS="-startdate $START -enddate $END"
PAST="-startdate 20240101000000Z -enddate 20240102000000Z"
signed here "$ALWAYS" "IP:127.0.0.1,IP:::1,DNS:localhost"
signed elsewhere "$ALWAYS" "DNS:exchange.example"
signed unnamed "$ALWAYS" ""
signed expired "$PAST" "IP:127.0.0.1,DNS:localhost"

# By nobody that anybody trusts.
key nobody
openssl req -new -x509 -key "$scratch/nobody.key" -subj "/CN=localhost" -days 36500 \
    -addext "subjectAltName=IP:127.0.0.1,DNS:localhost" -out "$scratch/nobody.crt"
target=nobody.pem written "$scratch/nobody.crt" "$scratch/nobody.key"
