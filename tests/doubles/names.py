"""Names, places and words of many languages, as they stand in lists of people."""

NAMES = {
    "German": "Müller Weiß Jörg Schäfer Köhler Krüger Möller Groß Bäcker Günther Böttcher Hübner Söhnlein Strauß Jäger "
    "Löffler Dörte Jürgen Käthe Rüdiger Öhler Ärzteverein Fußweg Ackerstraße Österreich GRÖSSE",
    "French": "Hélène Lefèvre François Béatrice Gérard Noël Benoît Anaïs Zoé Désirée Besançon Côté Brûlé Rémy Pagès "
    "Étienne Agnès Thérèse Duchêne Gaëlle Lebœuf Maître",
    "Spanish": "José García Muñoz Núñez Martínez Peña Ángel Óscar Íñigo Sánchez Jiménez Begoña Rodríguez López Raúl "
    "María Fernández Díaz",
    "Portuguese": "João Conceição Guimarães Simões Gonçalves Magalhães Inês Antônio Luís Araújo Lourenço Camões Fátima",
    "Italian": "Niccolò Cantù Calabrò Noè Nicolò Zappalà Macrì Forlì Patanè Giosuè",
    "Danish": "Søren Jørgensen Kjær Åse Østergård Bødker Nørgaard Grønbæk Lærke Sønderby Rødby Åberg",
    "Norwegian": "Bjørn Håkon Ødegård Pål Sæther Tromsø Kåre Ålesund Løvås Øystein",
    "Swedish": "Björn Åkesson Sjöström Hägglund Öberg Ångström Lindström Gösta Märta Håkansson Norén",
    "Finnish": "Mäkelä Hämäläinen Jääskeläinen Väinö Niemelä Mäkinen Päivi Yrjö Kärkkäinen",
    "Icelandic": "Guðrún Sigríður Þórður Björk Guðmundsdóttir Sigurðsson Þóra Jóhannes Ásgeir Friðrik Ólafur Guðný",
    "Dutch": "Zoë André Renée Daniël Chloë Michaël Raphaël Noël België",
    "Polish": "Łukasz Wójcik Wiśniewski Zieliński Kamiński Łódź Kędzierski Paweł Małgorzata Żak Świątek Dąbrowski Ćwik",
    "Czech": "Dvořák Jiří Novotný Němec Kovář Zdeněk Růžička Čapek Šťastný Křížek Tomáš Řehoř Horáček",
    "Hungarian": "Erdős Szőke Győri László Zsófia Kőszegi Tóth Horváth Jenő Gergő Szűcs Rózsa Hegedűs",
    "Romanian": "Ştefan Brătianu Ionuţ Mureşan Călin Ţepeş Mădălina Pătraşcu Bălan",
    "Croatian": "Kovačić Marić Šimić Đurđa Žarko Perić Čović Tomašević Božić",
    "Turkish": "Yıldız Şahin Ayşe Erdoğan Çağlar Öztürk İbrahim Doğan Işık Gülşen Aydın Kılıç Güneş Şimşek Uğur Barış",
    "Lithuanian": "Kęstutis Šarūnas Žemaitė Jūratė Birutė Kazlauskienė Šimkutė Gražina",
    "Latvian": "Jānis Kārlis Bērziņš Pēteris Ozoliņš Līga Šķēle",
    "Russian": "Иванов Сергей Наталья Петрова Михаил Смирнова Ольга Кузнецов",
    "Greek": "Παπαδόπουλος Γεώργιος Ελένη Κωνσταντίνος Δημήτρης Μαρία",
}
