//! What was granted: codes, token families, refresh tokens, access tokens. Pure: no clock, no
//! randomness, no I/O; `now` and fresh token values are passed in.
//!
//! A *family* is everything that grew from one sign-in. It counts its rotations; a refresh token
//! carries the count at which it was issued. A token is current while the counts are equal, and in
//! its grace while it is one behind and the rotation is recent. Two refreshes with the same token
//! inside the grace therefore give two siblings, both current, as at Okta. Anything older is a
//! reuse, which in the strict mode revokes the family.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::grant::{Access, Approval, Exchange, Family, Fresh, Issued, Renewal, Revocation};
use crate::refusal::Refusal;
use crate::settings::{RefreshTokens, Settings};

const CODE_LIFETIME: Duration = Duration::from_mins(1);

type FamilyNumber = usize;

#[derive(Debug)]
struct FamilyState {
    family: Family,
    rotated_at: Instant,
    newest_refresh_token: Option<String>,
}

#[derive(Debug)]
enum CodeState {
    Unused {
        approval: Approval,
        issued_at: Instant,
    },
    Exchanged(FamilyNumber),
    Spoilt,
}

#[derive(Debug)]
struct AccessToken {
    family: FamilyNumber,
    scopes: Vec<String>,
    expires_at: Option<Instant>,
}

#[derive(Debug)]
struct RefreshToken {
    family: FamilyNumber,
    rotations: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    codes: HashMap<String, CodeState>,
    families: Vec<FamilyState>,
    refresh_tokens: HashMap<String, RefreshToken>,
    access_tokens: HashMap<String, AccessToken>,
}

impl Ledger {
    pub(crate) fn approve(&mut self, code: String, approval: Approval, now: Instant) {
        self.codes.insert(
            code,
            CodeState::Unused {
                approval,
                issued_at: now,
            },
        );
    }

    /// Every try spends the code: a wrong verifier is no invitation to guess again.
    pub(crate) fn exchange(
        &mut self,
        asked: &Exchange<'_>,
        fresh: Fresh,
        settings: &Settings,
        now: Instant,
    ) -> Result<Issued, Refusal> {
        let Some(code) = self.codes.get_mut(asked.code) else {
            return Err(Refusal::BadCode("The code is unknown."));
        };
        let (approval, issued_at) = match std::mem::replace(code, CodeState::Spoilt) {
            CodeState::Unused {
                approval,
                issued_at,
            } => (approval, issued_at),
            CodeState::Exchanged(family) => {
                self.revoke_family(family, Revocation::CodeReplay);
                return Err(Refusal::BadCode("The code was used before."));
            }
            CodeState::Spoilt => return Err(Refusal::BadCode("The code was used before.")),
        };
        if now.duration_since(issued_at) > CODE_LIFETIME {
            return Err(Refusal::BadCode("The code has ended."));
        }
        check_exchange(asked, &approval)?;

        let number = self.families.len();
        let scopes = approval.scopes.clone();
        self.families.push(FamilyState {
            family: Family {
                account: approval.account.clone(),
                client: approval.client,
                scopes: approval.scopes,
                rotations: 0,
                revoked: None,
            },
            rotated_at: now,
            newest_refresh_token: None,
        });
        self.codes
            .insert(asked.code.to_owned(), CodeState::Exchanged(number));
        let refresh_token = (settings.refresh_tokens != RefreshTokens::Never)
            .then(|| self.keep_refresh_token(number, 0, fresh.refresh_token));
        let lifetime = settings.access_token_lifetime();
        self.keep_access_token(number, &fresh.access_token, scopes.clone(), lifetime, now);
        Ok(Issued {
            access_token: fresh.access_token,
            refresh_token,
            lifetime,
            scopes,
            account: approval.account,
            nonce: approval.nonce,
        })
    }

    pub(crate) fn renew(
        &mut self,
        asked: Renewal<'_>,
        fresh: Fresh,
        settings: &Settings,
        now: Instant,
    ) -> Result<Issued, Refusal> {
        let (number, advances) = self.check_renewal(&asked, settings, now)?;
        let family = &self.families[number].family;
        let scopes = match asked.scopes {
            None => family.scopes.clone(),
            Some(fewer) if fewer.iter().all(|scope| family.scopes.contains(scope)) => fewer,
            Some(_) => return Err(Refusal::TooMuchScope),
        };
        let account = family.account.clone();

        if settings.refresh_kills_access_token {
            self.access_tokens.retain(|_, token| token.family != number);
        }
        let refresh_token = match settings.refresh_tokens {
            RefreshTokens::Never | RefreshTokens::Kept => None,
            RefreshTokens::Repeated => Some(asked.refresh_token.to_owned()),
            RefreshTokens::Rotating | RefreshTokens::RotatingStrict => {
                let state = &mut self.families[number];
                if advances {
                    state.family.rotations += 1;
                    state.rotated_at = now;
                }
                let rotations = state.family.rotations;
                Some(self.keep_refresh_token(number, rotations, fresh.refresh_token))
            }
        };
        let lifetime = settings.access_token_lifetime();
        self.keep_access_token(number, &fresh.access_token, scopes.clone(), lifetime, now);
        Ok(Issued {
            access_token: fresh.access_token,
            refresh_token,
            lifetime,
            scopes,
            account,
            nonce: None,
        })
    }

    /// The family to renew, and whether its rotation advances (it does not for a token in grace).
    fn check_renewal(
        &mut self,
        asked: &Renewal<'_>,
        settings: &Settings,
        now: Instant,
    ) -> Result<(FamilyNumber, bool), Refusal> {
        let Some(token) = self.refresh_tokens.get(asked.refresh_token) else {
            return Err(Refusal::BadRefreshToken("The refresh token is unknown."));
        };
        let state = &mut self.families[token.family];
        if state.family.client != asked.client {
            return Err(Refusal::BadRefreshToken(
                "The refresh token is another client's.",
            ));
        }
        if state.family.revoked.is_some() {
            return Err(Refusal::BadRefreshToken("The grant was revoked."));
        }
        let current = token.rotations == state.family.rotations;
        let in_grace = token.rotations + 1 == state.family.rotations
            && now.duration_since(state.rotated_at) < settings.grace();
        if current || in_grace {
            return Ok((token.family, current));
        }
        if settings.refresh_tokens == RefreshTokens::RotatingStrict {
            state.family.revoked = Some(Revocation::Reuse);
        }
        Err(Refusal::BadRefreshToken(
            "The refresh token was used before.",
        ))
    }

    fn keep_refresh_token(
        &mut self,
        family: FamilyNumber,
        rotations: u64,
        value: String,
    ) -> String {
        self.refresh_tokens
            .insert(value.clone(), RefreshToken { family, rotations });
        self.families[family].newest_refresh_token = Some(value.clone());
        value
    }

    fn keep_access_token(
        &mut self,
        family: FamilyNumber,
        value: &str,
        scopes: Vec<String>,
        lifetime: Option<Duration>,
        now: Instant,
    ) {
        let expires_at = lifetime.map(|lifetime| now + lifetime);
        self.access_tokens.insert(
            value.to_owned(),
            AccessToken {
                family,
                scopes,
                expires_at,
            },
        );
    }

    /// The token's rights while it lives.
    pub(crate) fn access(&self, token: &str, now: Instant) -> Option<Access<'_>> {
        let token = self.access_tokens.get(token)?;
        let family = &self.families[token.family].family;
        let lives = token.expires_at.is_none_or(|end| now < end) && family.revoked.is_none();
        lives.then_some(Access {
            account: &family.account,
            client: &family.client,
            scopes: &token.scopes,
        })
    }

    /// RFC 7009: a refresh token takes its family along, an access token goes alone. Unknown and
    /// foreign tokens change nothing; whether there was something to revoke is told.
    pub(crate) fn revoke(&mut self, token: &str, client: &str) -> bool {
        let owner = |families: &[FamilyState], number: FamilyNumber| {
            families[number].family.client == client
        };
        if let Some(known) = self.refresh_tokens.get(token) {
            let number = known.family;
            if owner(&self.families, number) {
                return self.revoke_family(number, Revocation::Client);
            }
        } else if let Some(known) = self.access_tokens.get(token)
            && owner(&self.families, known.family)
        {
            return self.access_tokens.remove(token).is_some();
        }
        false
    }

    /// The whole family of an access token, as GitHub's `DELETE .../grant` does.
    pub(crate) fn revoke_grant(&mut self, access_token: &str, client: &str) -> bool {
        match self.access_tokens.get(access_token) {
            Some(known) if self.families[known.family].family.client == client => {
                self.revoke_family(known.family, Revocation::Client)
            }
            Some(_) | None => false,
        }
    }

    pub(crate) fn revoke_account(&mut self, account: &str) {
        for number in 0..self.families.len() {
            if self.families[number].family.account == account {
                self.revoke_family(number, Revocation::Provider);
            }
        }
    }

    fn revoke_family(&mut self, number: FamilyNumber, why: Revocation) -> bool {
        let revoked = &mut self.families[number].family.revoked;
        let lived = revoked.is_none();
        revoked.get_or_insert(why);
        lived
    }

    pub(crate) fn expire_access_tokens(&mut self, now: Instant) {
        for token in self.access_tokens.values_mut() {
            token.expires_at = Some(now);
        }
    }

    pub(crate) fn families(&self) -> Vec<Family> {
        self.families
            .iter()
            .map(|state| state.family.clone())
            .collect()
    }

    /// The newest refresh token of the account's newest living family.
    pub(crate) fn live_refresh_token(&self, account: &str) -> Option<String> {
        let lives = |state: &&FamilyState| {
            state.family.account == account && state.family.revoked.is_none()
        };
        self.families
            .iter()
            .rev()
            .find(lives)?
            .newest_refresh_token
            .clone()
    }
}

fn check_exchange(asked: &Exchange<'_>, approval: &Approval) -> Result<(), Refusal> {
    if approval.client != asked.client {
        return Err(Refusal::BadCode("The code is another client's."));
    }
    if asked.redirect_uri != Some(&approval.redirect_uri) {
        return Err(Refusal::OtherRedirect);
    }
    match (&approval.challenge, asked.verifier) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) if *challenge == s256(verifier) => Ok(()),
        (Some(_), Some(_)) => Err(Refusal::BadCode("The code_verifier does not fit.")),
        (Some(_), None) => Err(Refusal::BadCode("The code_verifier is missing.")),
        (None, Some(_)) => Err(Refusal::BadCode("There was no code_challenge.")),
    }
}

/// RFC 7636 section 4.2.
fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
