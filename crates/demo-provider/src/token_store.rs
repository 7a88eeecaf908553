//! Codes, token families, refresh tokens and access tokens. Pure: no clock, no randomness, no I/O;
//! `now` and new token values are passed in.
//!
//! A *family* is all tokens from one sign-in. It counts its rotations; a refresh token carries the
//! count at which it was issued. A refresh token is current while the counts are equal, and in its
//! grace period while it is one behind and the rotation is recent. Two refreshes with the same token
//! within the grace period therefore issue two tokens that are both current, as at Okta. The use of
//! any older token is a reuse, which in strict mode revokes the family.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::grant::{
    Access, Approval, CodeExchange, Family, Issued, NewTokens, RefreshRequest, Revocation,
};
use crate::oauth_error::OAuthError;
use crate::settings::{RefreshTokens, RevocationScope, Settings};

const CODE_LIFETIME: Duration = Duration::from_mins(1);

type FamilyNumber = usize;

#[derive(Debug)]
struct FamilyState {
    family: Family,
    rotated_at: Instant,
    newest_refresh_token: Option<String>,
    /// The key that its tokens are bound to.
    jkt: Option<String>,
}

#[derive(Debug)]
enum CodeState {
    Unused {
        approval: Approval,
        issued_at: Instant,
    },
    Exchanged(FamilyNumber),
    Spent,
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
pub(crate) struct TokenStore {
    codes: HashMap<String, CodeState>,
    families: Vec<FamilyState>,
    refresh_tokens: HashMap<String, RefreshToken>,
    access_tokens: HashMap<String, AccessToken>,
}

impl TokenStore {
    pub(crate) fn approve(&mut self, code: String, approval: Approval, now: Instant) {
        self.codes.insert(
            code,
            CodeState::Unused {
                approval,
                issued_at: now,
            },
        );
    }

    /// Every attempt spends the code, also one with a wrong verifier.
    pub(crate) fn exchange(
        &mut self,
        request: &CodeExchange<'_>,
        new: NewTokens,
        settings: &Settings,
        now: Instant,
    ) -> Result<Issued, OAuthError> {
        let Some(code) = self.codes.get_mut(request.code) else {
            return Err(OAuthError::InvalidCode("The code is unknown."));
        };
        let (approval, issued_at) = match std::mem::replace(code, CodeState::Spent) {
            CodeState::Unused {
                approval,
                issued_at,
            } => (approval, issued_at),
            CodeState::Exchanged(family) => {
                self.revoke_family(family, Revocation::CodeReplay);
                return Err(OAuthError::InvalidCode("The code was used before."));
            }
            CodeState::Spent => return Err(OAuthError::InvalidCode("The code was used before.")),
        };
        if now.duration_since(issued_at) > CODE_LIFETIME {
            return Err(OAuthError::InvalidCode("The code has expired."));
        }
        check_exchange(request, &approval)?;
        if approval.jkt.is_some() && approval.jkt != new.jkt {
            return Err(OAuthError::InvalidProof(
                "The code is bound to another key.",
            ));
        }
        let (number, issued) = self.issue(approval, new, settings, now);
        self.codes
            .insert(request.code.to_owned(), CodeState::Exchanged(number));
        Ok(issued)
    }

    /// The first tokens of a new family.
    pub(crate) fn issue(
        &mut self,
        approval: Approval,
        new: NewTokens,
        settings: &Settings,
        now: Instant,
    ) -> (FamilyNumber, Issued) {
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
            jkt: new.jkt.clone(),
        });
        let refresh_token = (settings.refresh_tokens != RefreshTokens::Never)
            .then(|| self.insert_refresh_token(number, 0, new.refresh_token));
        let lifetime = settings.access_token_lifetime();
        self.insert_access_token(number, &new.access_token, scopes.clone(), lifetime, now);
        let issued = Issued {
            access_token: new.access_token,
            refresh_token,
            lifetime,
            scopes,
            account: approval.account,
            nonce: approval.nonce,
            jkt: new.jkt,
        };
        (number, issued)
    }

    pub(crate) fn refresh(
        &mut self,
        request: RefreshRequest<'_>,
        new: NewTokens,
        settings: &Settings,
        now: Instant,
    ) -> Result<Issued, OAuthError> {
        let (number, advances) = self.check_refresh(&request, settings, now)?;
        let family = &self.families[number].family;
        let scopes = match request.scopes {
            None => family.scopes.clone(),
            Some(_) if settings.ignores_narrower_scopes => family.scopes.clone(),
            Some(fewer) if fewer.iter().all(|scope| family.scopes.contains(scope)) => fewer,
            Some(_) => return Err(OAuthError::InvalidScope),
        };
        let account = family.account.clone();
        if self.families[number].jkt != new.jkt {
            return Err(OAuthError::InvalidProof(
                "The refresh token is bound to another key.",
            ));
        }

        if settings.refresh_revokes_access_token {
            self.access_tokens.retain(|_, token| token.family != number);
        }
        let refresh_token = match settings.refresh_tokens {
            RefreshTokens::Never | RefreshTokens::Kept => None,
            RefreshTokens::Repeated => Some(request.refresh_token.to_owned()),
            RefreshTokens::Rotating | RefreshTokens::RotatingStrict => {
                let state = &mut self.families[number];
                if advances {
                    state.family.rotations += 1;
                    state.rotated_at = now;
                }
                let rotations = state.family.rotations;
                Some(self.insert_refresh_token(number, rotations, new.refresh_token))
            }
        };
        let lifetime = settings.access_token_lifetime();
        self.insert_access_token(number, &new.access_token, scopes.clone(), lifetime, now);
        Ok(Issued {
            access_token: new.access_token,
            refresh_token,
            lifetime,
            scopes,
            account,
            nonce: None,
            jkt: new.jkt,
        })
    }

    /// The family to refresh, and whether its rotation advances (not for a token in its grace period).
    fn check_refresh(
        &mut self,
        request: &RefreshRequest<'_>,
        settings: &Settings,
        now: Instant,
    ) -> Result<(FamilyNumber, bool), OAuthError> {
        let Some(token) = self.refresh_tokens.get(request.refresh_token) else {
            return Err(OAuthError::InvalidRefreshToken(
                "The refresh token is unknown.",
            ));
        };
        let state = &mut self.families[token.family];
        if state.family.client != request.client {
            return Err(OAuthError::InvalidRefreshToken(
                "The refresh token was issued to another client.",
            ));
        }
        if state.family.revoked.is_some() {
            return Err(OAuthError::InvalidRefreshToken("The grant was revoked."));
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
        Err(OAuthError::InvalidRefreshToken(
            "The refresh token was used before.",
        ))
    }

    fn insert_refresh_token(
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

    fn insert_access_token(
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

    /// What a valid access token gives access to.
    pub(crate) fn access(&self, token: &str, now: Instant) -> Option<Access<'_>> {
        let token = self.access_tokens.get(token)?;
        let family = &self.families[token.family].family;
        let is_valid = token.expires_at.is_none_or(|end| now < end) && family.revoked.is_none();
        is_valid.then_some(Access {
            account: &family.account,
            client: &family.client,
            scopes: &token.scopes,
            jkt: self.families[token.family].jkt.as_deref(),
        })
    }

    /// RFC 7009. Unknown tokens and those of other clients change nothing. Returns whether anything
    /// was revoked.
    pub(crate) fn revoke(&mut self, token: &str, client: &str, scope: RevocationScope) -> bool {
        let Some(number) = self.family_of(token) else {
            return false;
        };
        if self.families[number].family.client != client {
            return false;
        }
        match scope {
            RevocationScope::Consent => self.revoke_consent(number),
            RevocationScope::Grant if self.refresh_tokens.contains_key(token) => {
                self.revoke_family(number, Revocation::Client)
            }
            RevocationScope::Grant => self.access_tokens.remove(token).is_some(),
        }
    }

    fn family_of(&self, token: &str) -> Option<FamilyNumber> {
        let refresh_token = self.refresh_tokens.get(token).map(|it| it.family);
        refresh_token.or_else(|| self.access_tokens.get(token).map(|it| it.family))
    }

    /// Revokes every family of the same account and client.
    fn revoke_consent(&mut self, number: FamilyNumber) -> bool {
        let Family {
            account, client, ..
        } = self.families[number].family.clone();
        let mut any = false;
        for number in 0..self.families.len() {
            let family = &self.families[number].family;
            if family.account == account && family.client == client {
                any |= self.revoke_family(number, Revocation::Client);
            }
        }
        any
    }

    /// Revokes the family of an access token.
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

    fn revoke_family(&mut self, number: FamilyNumber, reason: Revocation) -> bool {
        let revoked = &mut self.families[number].family.revoked;
        let was_valid = revoked.is_none();
        revoked.get_or_insert(reason);
        was_valid
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

    /// The newest refresh token of the account's newest valid family.
    pub(crate) fn live_refresh_token(&self, account: &str) -> Option<String> {
        let is_valid = |state: &&FamilyState| {
            state.family.account == account && state.family.revoked.is_none()
        };
        self.families
            .iter()
            .rev()
            .find(is_valid)?
            .newest_refresh_token
            .clone()
    }
}

fn check_exchange(request: &CodeExchange<'_>, approval: &Approval) -> Result<(), OAuthError> {
    if approval.client != request.client {
        return Err(OAuthError::InvalidCode(
            "The code was issued to another client.",
        ));
    }
    if request.redirect_uri != Some(&approval.redirect_uri) {
        return Err(OAuthError::RedirectMismatch);
    }
    match (&approval.challenge, request.verifier) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) if *challenge == s256(verifier) => Ok(()),
        (Some(_), Some(_)) => Err(OAuthError::InvalidCode("The code_verifier does not match.")),
        (Some(_), None) => Err(OAuthError::InvalidCode("The code_verifier is missing.")),
        (None, Some(_)) => Err(OAuthError::InvalidCode("There was no code_challenge.")),
    }
}

/// RFC 7636 section 4.2.
fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

#[cfg(test)]
mod tests;
