// Derived keys, access tokens and ids, as shared/domain makes them.
import { verify } from "hono/jwt";

const ACCESS_SECONDS = 15 * 60;
const text = new TextEncoder();

interface Claims {
  sub: string;
  sid: string;
}

/** One key per purpose and school, derived once per isolate. */
export class Keys {
  #kid: string;
  #master: Promise<CryptoKey>;
  #derived = new Map<string, Promise<CryptoKey>>();

  constructor(masterKeys: string) {
    const [kid, encoded] = masterKeys.split(",")[0].trim().split(":");
    this.#kid = kid;
    this.#master = crypto.subtle.importKey("raw", fromBase64Url(encoded), "HKDF", false, ["deriveKey"]);
  }

  async verify(token: string, school: string): Promise<(Claims & { exp: number }) | null> {
    try {
      const claims = await verify(token, await this.#key("access-token", school), {
        alg: "HS256",
        typ: "at+jwt",
        iss: "homeroom/school",
        aud: school,
      });
      const { knd, sub, sid, exp } = claims;
      return knd === "access" ? { sub: String(sub), sid: String(sid), exp: Number(exp) } : null;
    } catch {
      return null;
    }
  }

  async sign(claims: Claims, school: string, now: number): Promise<string> {
    const iat = Math.floor(now / 1000);
    const wire = { iss: "homeroom/school", aud: school, knd: "access", ...claims, iat, exp: iat + ACCESS_SECONDS };
    const head = encode({ alg: "HS256", kid: this.#kid, typ: "at+jwt" });
    const signed = `${head}.${encode(wire)}`;
    return `${signed}.${toBase64Url(await this.#mac("access-token", school, signed))}`;
  }

  /** How the directory and the limiter know an email address or phone number. */
  async identifierHash(identifier: string): Promise<string> {
    return toHex(await this.#mac("directory", "platform", identifier));
  }

  async #mac(purpose: string, audience: string, message: string): Promise<Uint8Array> {
    const key = await this.#key(purpose, audience);
    return new Uint8Array(await crypto.subtle.sign("HMAC", key, text.encode(message)));
  }

  #key(purpose: string, audience: string): Promise<CryptoKey> {
    const info = `homeroom/v1/${purpose}/${audience}/${this.#kid}`;
    let key = this.#derived.get(info);
    if (!key) {
      const kdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: text.encode(info) };
      const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
      key = this.#master.then((master) => crypto.subtle.deriveKey(kdf, master, hmac, false, ["sign", "verify"]));
      this.#derived.set(info, key);
    }
    return key;
  }
}

export async function newRefreshToken(): Promise<{ token: string; digest: string }> {
  const token = toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
  return { token, digest: toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", text.encode(token)))) };
}

export function uuidv7(now: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const time = now.toString(16).padStart(12, "0");
  const random = toHex(bytes);
  const variant = ((bytes[8] & 0x3f) | 0x80).toString(16).padStart(2, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 6)}-${random.slice(20)}`;
}

const encode = (value: unknown) => toBase64Url(text.encode(JSON.stringify(value)));

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64Url(encoded: string): Uint8Array {
  return Uint8Array.from(atob(encoded.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}
