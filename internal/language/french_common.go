package language

// frenchCommon is what the gate says, to clients of every protocol.
var frenchCommon = []entry{
	{"The server's disk is full; please tell its administrators", "Le disque du serveur est plein ; veuillez prévenir ses administrateurs"},
	{"Authentication failed", "Échec de l’authentification"},
	{"Internal error, try again later", "Erreur interne, réessayez plus tard"},
	{"Passwords are not taken in clear text here; use TLS", "Les mots de passe en clair ne sont pas acceptés ici ; utilisez TLS"},
	{"Too many failed logins, try again later", "Trop d’échecs de connexion, réessayez plus tard"},
	{"This mechanism is not offered here", "Ce mécanisme n’est pas proposé ici"},
	{"The server is stopping, try again later", "Le serveur s’arrête, réessayez plus tard"},
	{"Too many connections of this account from your address", "Trop de connexions à ce compte depuis votre adresse"},
	{"Too many logins; wait %s seconds between them", "Trop de connexions ; attendez %s secondes entre deux connexions"},
	{"This account does not exist any more", "Ce compte n’existe plus"},
	{"This account is suspended", "Ce compte est suspendu"},
	{"This account is suspended: %s", "Ce compte est suspendu : %s"},
	{"%s is off for this account", "%s est désactivé pour ce compte"},
	{"%s is off for this account; it uses IMAP", "%s est désactivé pour ce compte ; il utilise IMAP"},
	{"%s is off for this account; it uses POP3", "%s est désactivé pour ce compte ; il utilise POP3"},
	{"Session ended by the administrator", "Session terminée par l’administrateur"},
	{"Authentication cancelled", "Authentification annulée"},
	{"Unknown command", "Commande inconnue"},
	{"Too many bad commands", "Trop de commandes incorrectes"},
	{"Still here", "Toujours là"},
}
